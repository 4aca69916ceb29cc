// upload.mjs FILE ENDPOINT TOKEN CHUNK [STORE]: uploads FILE by tus-js-client; with STORE, resumes what an earlier run left.
// Prints one line of JSON for each piece, and the upload's address at the end.
import { createReadStream, statSync } from 'node:fs'
import * as tus from 'tus-js-client'

const [path, endpoint, token, chunk, store] = process.argv.slice(2)
const upload = new tus.Upload(createReadStream(path), {
  endpoint,
  chunkSize: Number(chunk),
  uploadSize: statSync(path).size,
  retryDelays: [200, 200, 500, 500, 1000, 1000, 1000, 2000, 2000, 2000],
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: 'bunny.mp4', filetype: 'video/mp4', title: 'By tus-js-client' },
  ...(store && { urlStorage: new tus.FileUrlStorage(store), fingerprint: async () => 'the-film' }),
  onChunkComplete: (size, accepted) => console.log(JSON.stringify({ accepted })),
  onError: (error) => {
    console.error(String(error))
    process.exit(1)
  },
  onSuccess: () => console.log(JSON.stringify({ url: upload.url })),
})
const previous = store ? await upload.findPreviousUploads() : []
if (previous.length > 0) upload.resumeFromPreviousUpload(previous[0])
upload.start()
