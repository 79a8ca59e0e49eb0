using System.CommandLine;
using Orders.FaultQueues.Http;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.CommandLine;

/// <summary>The argument that says which queue is meant: <c>order-confirmation/error</c>, or <c>error</c> for the default endpoint.</summary>
internal sealed class QueueArgument : Argument<(string? Endpoint, FaultQueueKind Kind)>
{
    public QueueArgument()
        : base("queue")
    {
        Description = "error: what failed and may be replayed by the redeliver job; parked: what waits for a person. With the endpoint before it, such as order-confirmation/error; without one, the default endpoint is meant.";
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            var slash = text.LastIndexOf('/');
            foreach (var kind in FaultQueueNames.All.Where(kind => kind.Word() == text[(slash + 1)..] && slash != 0))
            {
                return (slash < 0 ? null : text[..slash], kind);
            }

            result.AddError($"'{text}' is no queue. Say error or parked, or one of them after its endpoint, such as order-confirmation/error.");
            return default;
        };
    }

    /// <summary>The queue. Its path is the address below <see cref="FaultApi.Path"/>.</summary>
    /// <exception cref="FaultsCommandException">There is no such endpoint.</exception>
    public async Task<FaultQueue> ReadAsync(FaultsClient client, ParseResult parsed, CancellationToken cancellationToken)
    {
        var (name, kind) = parsed.GetRequiredValue(this);
        var known = client.Read<EndpointDescription[]>(await client.SendAsync(HttpMethod.Get, "endpoints", null, cancellationToken));
        var found = known.FirstOrDefault(endpoint => name is null ? endpoint.IsDefault : endpoint.Endpoint == name)
            ?? throw new FaultsCommandException($"There is no endpoint {name}. There are {string.Join(", ", known.Select(endpoint => endpoint.Endpoint))}.");
        return new FaultQueue(new FaultEndpoint(found.Endpoint), kind);
    }
}
