"""Any folder of messages through milter and agent, and what comes out held
against the readers. __main__.py is the program."""
