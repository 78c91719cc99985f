"""`python -m app` is the command `lantian`."""

from app.main import main

if __name__ == "__main__":
    main(prog_name="lantian")
