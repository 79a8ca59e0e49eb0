using System.Text.Encodings.Web;
using System.Text.Json;
using Notifications.Worker.Alerts.Webhooks;
using Orders.FaultQueues;

namespace Notifications.Worker;

/// <summary>
/// The least permissions of each user of the broker, where the topology is deployed. Those of the system's users are those of
/// <c>deploy/rabbitmq/permissions.json</c>; the queues of other programs that the configuration names come in addition.
/// </summary>
internal static class TopologyPermissions
{
    private const string LooksAfterFaults = "redeliver";
    private const string Deploys = "topology";
    private const string Console = "console";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        // It is for a file and not for a page, and patterns are full of what pages must escape.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Makes the permissions.</summary>
    /// <param name="virtualHost">Where they are for.</param>
    /// <param name="endpoints">All endpoints whose faults are looked after.</param>
    /// <param name="role">What the worker is.</param>
    /// <param name="hasWebhook">Whether a console tells a webhook what it gives up.</param>
    /// <returns>JSON as <c>rabbitmqctl import_definitions</c> takes it.</returns>
    public static string Write(string virtualHost, FaultEndpoints endpoints, WorkerRole role, bool hasWebhook)
    {
        var (use, deploy) = (ForeignPermissions.ToUse(endpoints), ForeignPermissions.ToDeploy(endpoints));
        var own = role == WorkerRole.Console ? OfConsole(endpoints.AuditStream, hasWebhook) : ReadOwn();
        var all = own.Select(permission => permission.User switch
        {
            LooksAfterFaults or Console => Add(permission, use),
            Deploys => Add(permission, deploy),
            _ => permission,
        });
        return JsonSerializer.Serialize(new Definitions([.. all.Select(permission => permission with { Vhost = virtualHost })]), Json);
    }

    private static Permission[] ReadOwn()
    {
        using var file = typeof(TopologyPermissions).Assembly.GetManifestResourceStream("permissions.json")!;
        return JsonSerializer.Deserialize<Definitions>(file, Json)!.Permissions;
    }

    /// <summary>What a console needs for itself.</summary>
    private static Permission[] OfConsole(string auditStream, bool hasWebhook)
    {
        string[] publishes = ["order-notifications(_watch)?", "Contracts:(FaultParked|SignInsSlowed)", "MassTransit:Fault--Contracts:(FaultParked|SignInsSlowed)--", auditStream];
        string[] declares = ["order-notifications(_watch)?", "Contracts:(FaultParked|SignInsSlowed)", "MassTransit:Fault(--.+)?", auditStream];
        string[] reads = [auditStream];
        var alert = ConsoleAlertConsumerDefinition.Queue;
        if (hasWebhook)
        {
            publishes = [.. publishes, $"{alert}(_(delay|error|parked|(error|parked)_turn))?"];
            reads = [.. reads, $"{alert}(_(error|parked)(_turn)?)?"];
            declares = [.. declares, $"{alert}(_.+)?"];
        }

        return
        [
            new(Console, "/", "^$", Pattern(publishes), Pattern(reads)),
            // Delays lead back to their queue by the default exchange.
            new(Deploys, "/", Pattern(declares), Pattern(hasWebhook ? [.. declares, @"amq\.default"] : declares), Pattern(declares)),
        ];
    }

    private static Permission Add(Permission permission, ForeignPermissions foreign) => permission with
    {
        Configure = Add(permission.Configure, foreign.Configure),
        Write = Add(permission.Write, foreign.Write),
        Read = Add(permission.Read, foreign.Read),
    };

    private static string Add(string pattern, IReadOnlyList<string> alternatives) => alternatives.Count == 0 ? pattern : $"{pattern}|{Pattern(alternatives)}";

    private static string Pattern(IReadOnlyList<string> alternatives) => $"^({string.Join('|', alternatives)})$";

    private sealed record Definitions(Permission[] Permissions);

    private sealed record Permission(string User, string Vhost, string Configure, string Write, string Read);
}
