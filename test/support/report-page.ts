/** A report in a real browser, which hears of every word that the page says and everything that it asks for. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Recording } from '../../probe/recording/format.ts';
import type { Report } from '../../probe/recording/report.ts';
import type { Comparison } from '../../reports/compare.ts';
import { renderHtml } from '../../reports/html/render.ts';
import { findBrowser, launch } from './browser.ts';
import { sweptFolder } from './swept-folder.ts';

export const browser: string | null = findBrowser();

/** To be called in a `describe.skipIf(!browser)`: a browser for all its tests, a page for each. */
export class ReportPage {
  page!: Page;
  /** Anything the page says or asks for, beyond its own file. */
  noise: string[] = [];
  folder!: string;
  #context: BrowserContext | undefined;

  constructor() {
    beforeAll(async () => {
      this.folder = sweptFolder('outlive-browser');
      this.#context = await launch(browser!, this.folder);
    });
    afterEach(() => this.page?.close());
    afterAll(async () => {
      await this.#context?.close();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** The text of the page. */
  async open(
    report: Report,
    recordings: Recording[],
    hash = '',
    comparison: Comparison | null = null,
  ): Promise<string> {
    const text = renderHtml(report, recordings, comparison);
    const file = join(this.folder, 'report.html');
    writeFileSync(file, text);
    await this.openFile(file, hash);
    return text;
  }

  async openFile(file: string, hash = ''): Promise<void> {
    this.page = await this.#context!.newPage();
    this.noise = [];
    const url = pathToFileURL(file).href;
    this.page.on('console', (message) => this.noise.push(message.text()));
    this.page.on('pageerror', (error) => this.noise.push(String(error)));
    this.page.on('dialog', (dialog) => dialog.dismiss());
    this.page.on('request', (request) => {
      if (request.url().split('#')[0] !== url) this.noise.push(request.url());
    });
    await this.page.goto(url + hash);
  }

  /** A page that is served; what it asks for is no noise. */
  async visit(url: string): Promise<void> {
    this.page = await this.#context!.newPage();
    // of the page's own time, which a test may put forward
    await this.page.clock.install();
    await this.page.goto(url);
  }

  /** What axe-core finds wrong, one line each. */
  async complaints(): Promise<string[]> {
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate<Violations>('axe.run()');
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
  }

  silent(): void {
    expect(this.noise).toEqual([]);
  }
}

interface Violations {
  violations: { id: string; help: string; nodes: { html: string }[] }[];
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
