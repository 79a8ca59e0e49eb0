// Places orders by plain JSON: node place-orders.js <amqp://…> exchange|queue <order as JSON> …
const amqp = require('amqplib');

async function main([url, way, ...orders]) {
  const connection = await amqp.connect(url);
  const channel = await connection.createConfirmChannel();
  channel.on('return', () => { throw new Error('No queue takes the order.'); });
  for (const order of orders) {
    const [exchange, routingKey] = way === 'queue' ? ['', 'order-confirmation'] : ['Contracts:OrderPlaced', ''];
    channel.publish(exchange, routingKey, Buffer.from(order), {
      contentType: 'application/json', persistent: true, mandatory: true, timestamp: Math.floor(Date.now() / 1000),
    });
  }
  await channel.waitForConfirms();
  await connection.close();
}

main(process.argv.slice(2)).catch((error) => { console.error(error.message); process.exitCode = 1; });
