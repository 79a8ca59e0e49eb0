#!/bin/bash
# A message type that says its own name on the bus gives that name to the message, but not to its faults.
#
# Expected before the first run: two programs with a type each, of different namespaces but with the same [MessageUrn] and
# [EntityName], hear each other's messages and each other's faults. The attributes are there so that a type can move.
# Found: the message is consumed. The fault is published under a name that is made of the .NET type of the consumer that failed,
# in the exchange and in the URN, so that a consumer of Fault<T> with the other type never gets it.
source "$(dirname "${BASH_SOURCE[0]}")/masstransit.sh"

cat >program.cs <<'EOF'
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

await using var services = new ServiceCollection().AddLogging().AddMassTransit(bus =>
{
    bus.DisableUsageTelemetry();
    bus.AddConsumer<Fails>();
    bus.AddConsumer<Listens>();
    bus.UsingInMemory((context, memory) => memory.ConfigureEndpoints(context));
}).BuildServiceProvider();

var control = services.GetRequiredService<IBusControl>();
await control.StartAsync();
await control.Publish(new Shop.Parcel("1"));
await Task.WhenAny(Heard.Both.Task, Task.Delay(TimeSpan.FromSeconds(5)));
await control.StopAsync();

Console.WriteLine($"URN of the message: {MessageUrn.ForType<Shop.Parcel>()} and {MessageUrn.ForType<Audit.Parcel>()}");
Console.WriteLine($"URN of its fault: {MessageUrn.ForType<Fault<Shop.Parcel>>()} and {MessageUrn.ForType<Fault<Audit.Parcel>>()}");
Console.WriteLine($"the other program heard the message: {Heard.Message}, the fault of its own type: {Heard.Own}, the fault by the other type: {Heard.Other}");

static class Heard
{
    public static readonly TaskCompletionSource Both = new(TaskCreationOptions.RunContinuationsAsynchronously);
    public static bool Message, Own, Other;
}

class Fails : IConsumer<Shop.Parcel>, IConsumer<Fault<Shop.Parcel>>
{
    public Task Consume(ConsumeContext<Shop.Parcel> context) => throw new InvalidOperationException("No label.");

    public Task Consume(ConsumeContext<Fault<Shop.Parcel>> context)
    {
        Heard.Own = true;
        return Task.CompletedTask;
    }
}

class Listens : IConsumer<Audit.Parcel>, IConsumer<Fault<Audit.Parcel>>
{
    public Task Consume(ConsumeContext<Audit.Parcel> context)
    {
        Heard.Message = true;
        return Task.CompletedTask;
    }

    public Task Consume(ConsumeContext<Fault<Audit.Parcel>> context)
    {
        Heard.Other = true;
        Heard.Both.TrySetResult();
        return Task.CompletedTask;
    }
}

namespace Shop
{
    [MessageUrn("parcels:Parcel"), EntityName("parcels")]
    record Parcel(string Id);
}

namespace Audit
{
    [MessageUrn("parcels:Parcel"), EntityName("parcels")]
    record Parcel(string Id);
}
EOF
expect "URN of the message: urn:message:parcels:Parcel and urn:message:parcels:Parcel
URN of its fault: urn:message:MassTransit:Fault[[Shop:Parcel]] and urn:message:MassTransit:Fault[[Audit:Parcel]]
the other program heard the message: True, the fault of its own type: True, the fault by the other type: False"
