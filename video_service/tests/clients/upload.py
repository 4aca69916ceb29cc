"""upload.py FILE ENDPOINT TOKEN CHUNK sync|async: uploads FILE by tuspy, checksums and all; prints the upload's address."""

import asyncio
import sys

from tusclient.client import TusClient

path, endpoint, token, chunk, mode = sys.argv[1:]
client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
options = {
    "chunk_size": int(chunk),
    "metadata": {"filename": "bunny.mp4", "title": "By tuspy"},
    "upload_checksum": True,
}
if mode == "async":
    uploader = client.async_uploader(path, **options)
    asyncio.run(uploader.upload())
else:
    uploader = client.uploader(path, **options)
    uploader.upload()
print(uploader.url)
