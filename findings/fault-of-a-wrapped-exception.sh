#!/bin/bash
# A message whose consumer wraps an exception in one of its own has no trace of that one in the error queue.
#
# Expected before the first run: a consumer throws an InvalidOperationException with an inner TimeoutException. The headers of the
# message in the error queue name the outer exception, with the inner one in the stack or in a header of its own.
# Found: type, message and stack in the headers are those of the inner exception alone. What the consumer said about it is in none.
source "$(dirname "${BASH_SOURCE[0]}")/masstransit.sh"

cat >program.cs <<'EOF'
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

var seen = new TaskCompletionSource<Headers>(TaskCreationOptions.RunContinuationsAsynchronously);
await using var services = new ServiceCollection().AddLogging().AddMassTransit(bus =>
{
    bus.DisableUsageTelemetry();
    bus.AddConsumer<Books>().Endpoint(endpoint => endpoint.Name = "billing");
    bus.UsingInMemory((context, memory) =>
    {
        memory.ReceiveEndpoint("billing_error", endpoint => endpoint.Handler<Shop.Invoice>(message =>
        {
            seen.TrySetResult(message.ReceiveContext.TransportHeaders);
            return Task.CompletedTask;
        }));
        memory.ConfigureEndpoints(context);
    });
}).BuildServiceProvider();

var control = services.GetRequiredService<IBusControl>();
await control.StartAsync();
await (await control.GetSendEndpoint(new Uri("queue:billing"))).Send(new Shop.Invoice("7"));
var headers = await seen.Task.WaitAsync(TimeSpan.FromSeconds(20));
await control.StopAsync();

var all = string.Join('\n', headers.GetAll().Select(header => $"{header.Key}: {header.Value}"));
Console.WriteLine($"type: {headers.Get<string>("MT-Fault-ExceptionType")}");
Console.WriteLine($"message: {headers.Get<string>("MT-Fault-Message")}");
Console.WriteLine($"any header has the outer message: {all.Contains("cannot be booked")}, the outer type: {all.Contains("InvalidOperationException")}");

class Books : IConsumer<Shop.Invoice>
{
    public async Task Consume(ConsumeContext<Shop.Invoice> context)
    {
        try
        {
            await Ledger.WriteAsync();
        }
        catch (TimeoutException exception)
        {
            throw new InvalidOperationException($"Invoice {context.Message.Id} cannot be booked.", exception);
        }
    }
}

static class Ledger
{
    public static async Task WriteAsync() => await Task.Run(() => throw new TimeoutException("The ledger did not answer."));
}

namespace Shop
{
    public record Invoice(string Id);
}
EOF
expect "type: System.TimeoutException
message: The ledger did not answer.
any header has the outer message: False, the outer type: False"
