"""One end of the rows against iothpy (iothpy.ts): `iothpy-end.py VNL ADDRESS` follows requests on its standard input."""

import json
import sys
import time
from socket import AF_INET, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, TCP_NODELAY

import iothpy

SIZE = 64
READ = 1024
MESSAGE = b"m" * SIZE

vnl, address = sys.argv[1:3]
stack = iothpy.Stack("vdestack", vnl)
interface = stack.if_nametoindex("vde0")
stack.linksetupdown(interface, 1)
stack.ipaddr_add(AF_INET, address, 24, interface)


def say(answer):
    print(json.dumps(answer), flush=True)


def connect(peer, port):
    connection = stack.socket(AF_INET, SOCK_STREAM)
    connection.connect((peer, port))
    connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    return connection


def receive(connection, buffer):
    taken = 0
    while taken < SIZE:
        taken += connection.recv_into(buffer)


def ask(work, count, peer, port):
    buffer = bytearray(READ)
    if work == "connections":
        for _ in range(count):
            connection = connect(peer, port)
            if connection.recv_into(buffer) != 0:
                raise RuntimeError("the connection did not end")
            connection.close()
        return
    if work == "round trips":
        socket = connect(peer, port)
    else:
        socket = stack.socket(AF_INET, SOCK_DGRAM)
        socket.connect((peer, port))
    for _ in range(count):
        socket.send(MESSAGE)
        receive(socket, buffer)
    socket.close()


def serve(work, count):
    listener = stack.socket(AF_INET, SOCK_DGRAM if work == "datagrams" else SOCK_STREAM)
    listener.bind((address, 0))
    if work != "datagrams":
        listener.listen()
    say(listener.getsockname()[1])
    buffer = bytearray(READ)
    if work == "connections":
        for _ in range(count):
            connection, _peer = listener.accept()
            connection.close()
    elif work == "datagrams":
        for _ in range(count):
            length, peer = listener.recvfrom_into(buffer)
            listener.sendto(buffer[:length], peer)
    else:
        connection, _peer = listener.accept()
        connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        for _ in range(count):
            receive(connection, buffer)
            connection.send(MESSAGE)
        connection.close()
    listener.close()


say(0)
for line in sys.stdin:
    request = json.loads(line)
    if "port" in request:
        start = time.perf_counter()
        ask(request["work"], request["count"], request["peer"], request["port"])
        say((time.perf_counter() - start) * 1000)
    else:
        serve(request["work"], request["count"])
        say(0)
