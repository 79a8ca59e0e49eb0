using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using MassTransit;
using MassTransit.Serialization;

namespace Orders.FaultQueues.Queues;

/// <summary>
/// Faults in queues of MassTransit's in-memory transport. Those queues can only be consumed, so they are consumed at
/// once, and what was in them is kept here, in order, as long as the process lives.
/// </summary>
public sealed class InMemoryFaultTransport(IServiceProvider services) : IFaultTransport
{
    private readonly ConcurrentDictionary<string, Store> _stores = new();

    public Task<long> CountAsync(string queue, CancellationToken cancellationToken) =>
        Task.FromResult((long)StoreOf(queue).Snapshot().Count);

    public async Task<IFaultSession?> OpenAsync(string queue, CancellationToken cancellationToken)
    {
        var store = StoreOf(queue);
        return await store.Lock.WaitAsync(FaultTurn.Patience, cancellationToken)
            ? new Session(this, store, services.GetRequiredService<IBus>())
            : throw new FaultQueueBusyException(queue);
    }

    /// <summary>Adds the receive endpoint that brings a queue's messages here.</summary>
    public void Keep(string queue, IInMemoryBusFactoryConfigurator bus) =>
        bus.ReceiveEndpoint(queue, endpoint =>
        {
            endpoint.ConfigureConsumeTopology = false;
            endpoint.ConcurrentMessageLimit = 1;
            endpoint.ConfigureReceive(receive => receive.UseFilter(StoreOf(queue)));
        });

    private Store StoreOf(string queue) => _stores.GetOrAdd(queue, _ => new Store());

    private sealed class Held(FaultMessage message) : HeldFault(message);

    /// <summary>The messages of one queue; at the same time the end of its receive pipe.</summary>
    private sealed class Store : IFilter<ReceiveContext>
    {
        private readonly List<Held> _messages = [];

        public SemaphoreSlim Lock { get; } = new(1, 1);

        public IReadOnlyList<Held> Snapshot()
        {
            lock (_messages)
            {
                return [.. _messages];
            }
        }

        public void Remove(Held held)
        {
            lock (_messages)
            {
                _messages.Remove(held);
            }
        }

        public Task Send(ReceiveContext context, IPipe<ReceiveContext> next)
        {
            Add(new FaultMessage(
                context.Body.GetBytes(),
                context.ContentType?.MediaType,
                context.TransportHeaders.GetAll().ToDictionary(header => header.Key, header => (object?)header.Value),
                context.GetMessageId()?.ToString()));
            return Task.CompletedTask;
        }

        public void Add(FaultMessage message)
        {
            lock (_messages)
            {
                _messages.Add(new Held(message));
            }
        }

        public void Probe(ProbeContext context) => context.CreateFilterScope("keepFaults");
    }

    private sealed class Session(InMemoryFaultTransport transport, Store store, IBus bus) : IFaultSession
    {
        private readonly IReadOnlyList<Held> _found = store.Snapshot();

        public long Count => _found.Count;

        public bool CompletesBeforeNext => false;

        public async IAsyncEnumerable<HeldFault> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            foreach (var held in _found)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return held;
            }

            await Task.CompletedTask;
        }

        public async Task SendAsync(HeldFault held, string queue, FaultMessage message, CancellationToken cancellationToken)
        {
            if (transport._stores.TryGetValue(queue, out var kept))
            {
                // By the bus it would come in a moment later than this says.
                kept.Add(message);
                return;
            }

            var endpoint = await bus.GetSendEndpoint(new Uri($"queue:{queue}"));
            await endpoint.Send(new BytesAsTheyAre(), Pipe.Execute<SendContext<BytesAsTheyAre>>(send =>
            {
                send.MessageId = Guid.TryParse(message.MessageId, out var messageId) ? messageId : null;
                send.Serializer = new CopyBodySerializer(
                    new(message.ContentType ?? SystemTextJsonMessageSerializer.JsonContentType.MediaType),
                    new BytesMessageBody(message.Body.ToArray()));
                foreach (var (name, value) in message.Headers)
                {
                    send.Headers.Set(name, value);
                }
            }), cancellationToken);
        }

        public Task CompleteAsync(HeldFault held, CancellationToken cancellationToken)
        {
            store.Remove((Held)held);
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            store.Lock.Release();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>MassTransit sends objects; the serializer puts the bytes in this one's place.</summary>
    private sealed record BytesAsTheyAre;
}
