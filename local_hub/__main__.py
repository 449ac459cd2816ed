from local_hub.cli import app

app(prog_name="python -m local_hub")
