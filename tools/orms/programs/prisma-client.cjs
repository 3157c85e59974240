// usage: prisma-client.cjs [broken]. A client for each request, which is never disconnected.
const { PrismaPg } = require('@prisma/adapter-pg');
const { PrismaClient } = require('prisma-client');
const { jobs } = require('./jobs.cjs');

const connectionString = process.env.DATABASE_URL;
const shared = new PrismaClient({ adapter: new PrismaPg({ connectionString }) });

jobs(async (isRefused) => {
  const prisma = isRefused ? new PrismaClient({ adapter: new PrismaPg({ connectionString }) }) : shared; // planted
  await prisma.$queryRaw`select 1`;
}, 40);
