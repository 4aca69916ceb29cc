"""upload.py FILE ENDPOINT TOKEN CHUNK: uploads FILE by tuspy, checksums and all; prints the upload's address."""

import sys

from tusclient.client import TusClient

path, endpoint, token, chunk = sys.argv[1:]
client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
uploader = client.uploader(
    path, chunk_size=int(chunk), metadata={"filename": "bunny.mp4", "title": "By tuspy"}, upload_checksum=True
)
uploader.upload()
print(uploader.url)
