#!/bin/bash
# A client that hey-api generates for a stream of server-sent events has another type than the data that it yields.
#
# Expected before the first run: an answer of text/event-stream with the schema {"type":"string"} yields strings, which hold the
# data of each event as it came over the wire, as a browser's EventSource has it.
# Found: the generated type is string, and the runtime yields what the data means as JSON: an object, a number or, where it is no
# JSON, the text. Strict TypeScript accepts `data.length` of an object, which is undefined.
set -euo pipefail

version=0.85.2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >package.json <<EOF
{"private":true,"type":"module","devDependencies":{"@hey-api/openapi-ts":"$version","esbuild":"0.25.12","typescript":"5.9.3","@types/node":"20.19.25"}}
EOF
cat >openapi.json <<'EOF'
{"openapi":"3.1.1","info":{"title":"News","version":"1"},"paths":{"/news":{"get":{"operationId":"news","responses":{"200":{
  "description":"News","content":{"text/event-stream":{"schema":{"type":"string"}}}}}}}}}
EOF
cat >tsconfig.json <<'EOF'
{"compilerOptions":{"target":"ES2022","module":"ES2022","moduleResolution":"bundler","strict":true,"skipLibCheck":true,
  "noEmit":true,"lib":["ES2023","DOM","DOM.AsyncIterable"],"types":["node"]},"include":["program.ts","client"]}
EOF
cat >program.ts <<'EOF'
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { client } from './client/client.gen';
import { news } from './client/sdk.gen';

const server = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    answer.end(['{"parked":1}', '7', 'plain words'].map(data => `event: news\ndata: ${data}\n\n`).join(''));
}).listen(0, '127.0.0.1', async () => {
    client.setConfig({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    const { stream } = await news({ sseMaxRetryAttempts: 1 });
    let seen = 0;
    for await (const data of stream) {
        // No error of the compiler: to it, this is a string.
        const length: number | undefined = (data satisfies string).length;
        console.log(`typeof ${typeof data}, length ${length}`);
        if (++seen === 3) {
            break;
        }
    }
    process.exit(0);
});
EOF
timeout 60 npm install --no-audit --no-fund --loglevel=error >npm.log 2>&1 || { cat npm.log; exit 1; }
timeout 30 npx openapi-ts --input openapi.json --output client >generate.log 2>&1 || { cat generate.log; exit 1; }
timeout 30 npx tsc || { echo "The compiler refuses it now."; exit 1; }
timeout 20 npx esbuild program.ts --bundle --platform=node --format=esm --log-level=error --outfile=program.js
seen=$(timeout 20 node program.js 2>&1) || true
echo "@hey-api/openapi-ts $version"
echo "$seen"
expected="typeof object, length undefined
typeof number, length undefined
typeof string, length 11"
if [ "$seen" != "$expected" ]; then
    echo "The behaviour has changed."
    exit 1
fi
