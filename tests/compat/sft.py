"""One step of TRL's SFTTrainer on a corpus folder as it is: run by the client's own Python.

python tests/compat/sft.py MODEL CORPUS OUT     # one JSON object: versions, rows, and the loss of the step
"""

import json
import sys
from importlib.metadata import version

from datasets import load_dataset
from trl import SFTConfig, SFTTrainer


def main(model, corpus, out):
    rows = load_dataset(corpus, split="train")
    trainer = SFTTrainer(
        model=model,
        train_dataset=rows,
        args=SFTConfig(
            output_dir=out,
            max_steps=1,
            per_device_train_batch_size=2,
            max_length=256,
            assistant_only_loss=True,
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            use_cpu=True,
            bf16=False,
        ),
    )
    trainer.train()
    loss = next(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)
    packages = ("trl", "transformers", "datasets", "torch", "accelerate")
    versions = {package: version(package) for package in packages}
    print(json.dumps({"versions": versions, "rows": len(rows), "loss": round(loss, 4)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
