import { ProxyControl } from './proxy-control.ts';

// node test/faults/proxy/main.ts [port] [seed]: the control alone, on 8474 as Toxiproxy's. It ends with SIGINT.
const [port = '8474', seed = '1'] = process.argv.slice(2);
const control = await ProxyControl.start({ port: Number(port), seed: Number(seed) });
console.log(control.url);
process.once('SIGINT', () => void control.close());
