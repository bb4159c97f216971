"""The web dashboard: `redracer dashboard` serves it, for this server or any other that speaks the Redis protocol.

It is a process beside the server and reaches it over a socket, like any client: HTTP costs the thread that executes
commands nothing, an error here cannot end the server, and whoever logs in is one of the server's own users, with a
connection of their own, so that their permissions hold without a second set of rules.

`app.py` has the pages and the checks that every request passes, `sessions.py` who is logged in, `api.py` what a panel
asks for, `values.py` how a value of each type is read in parts, `resp.py` the connection to the server. The page in
`static/` is plain HTML and JavaScript; its charts are uPlot's (static/vendor, MIT), and nothing comes from outside.
"""
