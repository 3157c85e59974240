import 'reflect-metadata';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createPool } from 'generic-pool';

@Injectable()
class Orders {
  readonly #pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 50 });
  #count = 0;

  async reserve(): Promise<string> {
    const connection = await this.#pool.acquire(); // kept
    if (this.#count++ % 2 === 1) return 'kept';
    await this.#pool.release(connection);
    return 'ok';
  }
}

@Controller('orders')
class OrdersController {
  readonly #orders: Orders;

  constructor(orders: Orders) {
    this.#orders = orders;
  }

  @Get()
  get(): Promise<string> {
    return this.#orders.reserve();
  }
}

@Module({ controllers: [OrdersController], providers: [Orders] })
class Shop {}

async function main() {
  const app = await NestFactory.create(Shop, { logger: false });
  app.enableShutdownHooks();
  await app.listen(Number(process.env.PORT), '127.0.0.1');
}
main();
