using Microsoft.OpenApi;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Http;

/// <summary>The parameters of an address that a <see cref="FaultQueryReader"/> reads, for the OpenAPI document: metadata of endpoints.</summary>
internal sealed record FaultParameters(params IReadOnlyList<OpenApiParameter> All)
{
    public static readonly FaultParameters Filter = new(
        Parameter("ids", List, "These messages and no others: ids with commas between them."),
        Parameter("group", Text, "The id of a group."),
        Parameter("text", Text, "Occurs in the body or in the exception's message or stack trace, in upper or lower case."),
        Parameter("exceptionType", Text, "The exception's type: its full name, or the end of it after a dot."),
        Parameter("subject", Text, "What the message is about, as it stands: the order id, in our own queues."),
        Parameter("recipient", Text, "Whom the email is for, in upper or lower case: the address, or a part of it such as `@example.com`."),
        Parameter("from", Time, "Failed at this time or later."),
        Parameter("to", Time, "Failed before this time."),
        Parameter("minReplays", Number(), "Replayed at least so often."),
        Parameter("maxReplays", Number(), "Replayed at most so often."));

    /// <summary>Which queue is meant, in the path.</summary>
    public static readonly FaultParameters Queue = new(
        InPath(QueueInAddress.EndpointName, Text, "The endpoint, by the name of its queue. `/faults/api/endpoints` lists them."),
        InPath(
            QueueInAddress.KindName,
            // By its name: inlined, each operation's would be another enumeration to generators.
            new OpenApiSchemaReference(nameof(FaultQueueKind)),
            "`error`: what failed and may be replayed by the redeliver job. `parked`: what waits for a person."));

    public static readonly FaultParameters Audit = new(
        Parameter("endpoint", Text, "Entries about messages of this endpoint."),
        Parameter("operation", Text, "Entries of this operation."),
        Parameter("subject", Text, "Entries about messages with this subject."),
        Parameter("who", Text, "Entries of this user."));

    private static OpenApiSchema Text => new() { Type = JsonSchemaType.String };

    private static OpenApiSchema Time => new() { Type = JsonSchemaType.String, Format = "date-time" };

    private static OpenApiSchema List => new() { Type = JsonSchemaType.Array, Items = Text };

    public static FaultParameters Page(int take) => new(
        Parameter("skip", Number(), "How many to pass over."),
        Parameter("take", Number(1, FaultInspector.LongestPage), $"How many to return, {take} where nothing is said."));

    private static OpenApiSchema Number(int least = 0, int? most = null) => new()
    {
        Type = JsonSchemaType.Integer,
        Format = "int32",
        Minimum = $"{least}",
        Maximum = most is null ? null : $"{most}",
    };

    private static OpenApiParameter InPath(string name, IOpenApiSchema schema, string description) =>
        new() { Name = name, In = ParameterLocation.Path, Required = true, Description = description, Schema = schema };

    private static OpenApiParameter Parameter(string name, OpenApiSchema schema, string description) =>
        // Of a list: with commas rather than by repetition.
        new() { Name = name, In = ParameterLocation.Query, Description = description, Schema = schema, Explode = false };
}
