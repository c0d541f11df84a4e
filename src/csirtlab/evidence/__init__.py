"""From a seed to a capture, logs and mail, with their ground truth.

The engine lies here: ``topology`` draws who is there, ``plan`` lets the actions of ``subjects`` say what they want
(``intents``), ``network`` simulates what that takes, ``cases`` writes it down and measures its facts. ``protocols``
has what is said on the wire, ``applications`` the programs that say it and the files that they write.
"""
