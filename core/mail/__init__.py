"""In charge of sending mail: templates, messages, transports (spec 04 §8.1). It decides nothing about who gets what.

links       the base of links in mails
content     what users may put into a mail
templates   texts of the project, else ours
message     a message from its parts
transports  how it leaves the house
send        a template, rendered and sent
"""
