"""A Python client beside: `peers.py NAME ADDRESS COUNT`. Prints microseconds of CPU per request and peak KiB."""

import asyncio
import json
import os
import resource
import sys
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = 64
BODY = b'{"distinct_ids":["user-1","user-2"],"compliance_type":"GDPR"}'
PATH = "/api/app/data-deletions/v3.0/?token=token"
ITEM = "/api/app/data-deletions/v3.0/1583792934719392965/?token=token"
HEADERS = {"authorization": "Bearer oauth", "content-type": "application/json"}


def threads(each: int, make) -> None:
    """`make` gives a function of method, path and body for each thread."""

    def work() -> None:
        call = make()
        for _ in range(each):
            json.loads(call("POST", PATH, BODY))
            json.loads(call("GET", ITEM, None))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(work) for _ in range(AT_ONCE)]:
            done.result()


def http_client(address: str):
    from http.client import HTTPConnection

    connection = HTTPConnection(address)

    def call(method, path, body):
        connection.request(method, path, body, HEADERS)
        return connection.getresponse().read()

    return call


def requests(address: str):
    from requests import Session

    session = Session()
    return lambda method, path, body: session.request(
        method, f"http://{address}{path}", data=body, headers=HEADERS
    ).content


def urllib3(address: str):
    from urllib3 import PoolManager

    pool = PoolManager()
    return lambda method, path, body: pool.request(
        method, f"http://{address}{path}", body=body, headers=HEADERS
    ).data


def httpx(address: str):
    from httpx import Client

    client = Client()
    return lambda method, path, body: client.request(
        method, f"http://{address}{path}", content=body, headers=HEADERS
    ).content


def pycurl(address: str):
    import pycurl as curl

    handle = curl.Curl()
    handle.setopt(curl.HTTPHEADER, [f"{name}: {value}" for name, value in HEADERS.items()])

    def call(method, path, body):
        handle.setopt(curl.URL, f"http://{address}{path}")
        if body is None:
            handle.setopt(curl.HTTPGET, 1)
        else:
            handle.setopt(curl.POSTFIELDS, body)
        return handle.perform_rb()

    return call


async def httpx_async(address: str, each: int) -> None:
    from httpx import AsyncClient, Limits

    async with AsyncClient(limits=Limits(max_connections=AT_ONCE)) as client:

        async def work() -> None:
            for _ in range(each):
                for method, path, body in (("POST", PATH, BODY), ("GET", ITEM, None)):
                    answer = await client.request(method, f"http://{address}{path}", content=body, headers=HEADERS)
                    json.loads(answer.content)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def aiohttp(address: str, each: int) -> None:
    from aiohttp import ClientSession, TCPConnector

    async with ClientSession(connector=TCPConnector(limit=AT_ONCE)) as session:

        async def work() -> None:
            for _ in range(each):
                for method, path, body in (("POST", PATH, BODY), ("GET", ITEM, None)):
                    url = f"http://{address}{path}"
                    async with session.request(method, url, data=body, headers=HEADERS) as answer:
                        json.loads(await answer.read())

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def main() -> None:
    name, address, count = sys.argv[1:]
    each = int(count) // AT_ONCE
    if name == "aiohttp":
        asyncio.run(aiohttp(address, each))
    elif name == "aiohttp+uvloop":
        import uvloop

        uvloop.run(aiohttp(address, each))
    elif name == "httpx async":
        asyncio.run(httpx_async(address, each))
    else:
        makes = {"http.client": http_client, "requests": requests, "urllib3": urllib3, "httpx": httpx, "pycurl": pycurl}
        make = makes[name]
        threads(each, lambda: make(address))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    print(f"{cpu * 1e6 / (AT_ONCE * each * 2):.2f} {usage.ru_maxrss}")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
