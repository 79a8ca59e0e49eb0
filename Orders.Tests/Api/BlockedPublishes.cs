using System.Collections.Concurrent;
using MassTransit;

namespace Orders.Tests.Api;

/// <summary>Holds up messages of one type on their way to the bus.</summary>
internal sealed class BlockedPublishes<TMessage> : IPublishObserver
    where TMessage : class
{
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _published;

    /// <summary>How many of them fail.</summary>
    public int Fails { get; init; }

    public Task Begun => _begun.Task;

    public ConcurrentQueue<(Guid? Id, TMessage Message)> Messages { get; } = [];

    public void GoOn() => _goOn.TrySetResult();

    public async Task PrePublish<T>(PublishContext<T> context)
        where T : class
    {
        if (context.Message is TMessage message)
        {
            Messages.Enqueue((context.MessageId, message));
            _begun.TrySetResult();
            await _goOn.Task;
            if (Interlocked.Increment(ref _published) <= Fails)
            {
                throw new InvalidOperationException("The connection broke.");
            }
        }
    }

    public Task PostPublish<T>(PublishContext<T> context)
        where T : class => Task.CompletedTask;

    public Task PublishFault<T>(PublishContext<T> context, Exception exception)
        where T : class => Task.CompletedTask;
}
