// upload_uppy.mjs FILE ENDPOINT TOKEN CHUNK PAGE: uploads FILE by Uppy, as in a browser that shows PAGE: on another origin
// than ENDPOINT, with what jsdom has of a browser. After the first piece the page is left; the next one goes on.
// Prints one line of JSON for each piece, with the number of the page, and the upload's address at the end.
import { readFileSync } from 'node:fs'
import { register } from 'node:module'
import { JSDOM } from 'jsdom'

const [path, endpoint, token, chunk, page] = process.argv.slice(2)
const { window } = new JSDOM('', { url: page })
for (const name of ['window', 'document', 'navigator', 'localStorage', 'XMLHttpRequest', 'Blob', 'File']) {
  Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name], configurable: true })
}
// Bundlers take a package's `browser` files, Node does not.
const hook = `export const resolve = (name, context, next) =>
  next(name === 'tus-js-client' ? 'tus-js-client/lib.es5/browser/index.js' : name, context)`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
const { default: Uppy } = await import('@uppy/core')
const { default: Tus } = await import('@uppy/tus')

const film = new File([readFileSync(path)], 'bunny.mp4', { type: 'video/mp4', lastModified: 0 })

// What a page does with the film until it is left, or the upload is whole. Resolves to the upload's address.
function show(number) {
  return new Promise((resolve, reject) => {
    const uppy = new Uppy({ meta: { title: 'By Uppy' } })
    uppy.use(Tus, {
      endpoint,
      chunkSize: Number(chunk),
      retryDelays: [100, 100],
      headers: { Authorization: `Bearer ${token}` },
      onChunkComplete: (_, accepted) => {
        console.log(JSON.stringify({ page: number, accepted }))
        if (number > 1) return
        uppy.pauseAll()
        resolve()
      },
    })
    uppy.on('upload-success', (_, response) => resolve(response.uploadURL))
    uppy.on('upload-error', (_, error) => reject(error))
    uppy.addFile({ name: film.name, type: film.type, data: film })
    uppy.upload().catch(reject)
  })
}

await show(1)
console.log(JSON.stringify({ url: await show(2) }))
process.exit(0)
