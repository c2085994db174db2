"""Do promises 1 to 5 hold on real servers? A writer, a driver that harms it and both stores, and an oracle.

python -m tests.faults.campaign --short     about 30 s: a few faults of each kind
python -m tests.faults.campaign --long      200 kills of the writer, 100 of Redis, 20 of Elasticsearch
python -m tests.faults.campaign --canaries  three planted bugs, each of which has to be caught

content   What does a document say?          text and vectors made from its id and a number that only grows
writer    Who is killed?                     a process that puts and deletes, and says so before and after
bugs      What if the writer were wrong?     planted bugs, and late duplicates, which are none
history   What was promised?                 the writer's words, as the states each document may be in
oracle    What is in the stores?             read with their own clients, compared with the history
proxy     What does the network do?          refuse, reset, swallow, delay
world     What can be harmed?                both servers, both proxies, the journal's disk
faults    How?                               one function a kind of fault
rounds    When?                              a round: a life of the writer, its faults, its end, the check
    campaign  How much is enough?               rounds until enough was killed, and the verdict
    canaries  Would the oracle notice?          the planted bugs, one at a time
    report    What is told?                     the closing line, and the figures behind it
"""
