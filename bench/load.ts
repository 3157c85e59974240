/** Requests over a fixed number of kept-alive connections. */
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const CONNECTIONS = 8;

export class Load implements Disposable {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });

  /** `count` requests, each connection sending its next one when the last is answered. */
  async drive(url: string, count: number): Promise<void> {
    let left = count;
    const connection = async (): Promise<void> => {
      while (left-- > 0) await this.get(url);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  }

  /** `perSecond` requests for so many seconds, sent whether or not earlier ones are answered. */
  async pace(url: string, perSecond: number, seconds: number): Promise<void> {
    const began = performance.now();
    const sent: Promise<void>[] = [];
    while (sent.length < perSecond * seconds) {
      const due = ((performance.now() - began) / 1000) * perSecond;
      while (sent.length < due && sent.length < perSecond * seconds) sent.push(this.get(url));
      await delay(1000 / perSecond);
    }
    await Promise.all(sent);
  }

  get(url: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = http.get(url, { agent: this.agent }, (response) => {
        response.resume().on('end', resolve);
      });
      request.on('error', reject);
    });
  }

  [Symbol.dispose](): void {
    this.agent.destroy();
  }
}
