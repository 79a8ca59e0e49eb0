using System.Text.Json;
using Orders.Testing.Machine;

namespace Orders.Testing.Brokers;

/// <summary>The users of the deployment on a broker of the tests, with the permissions that the deployment gives them.</summary>
internal static class BrokerUsers
{
    public const string Api = "orders-api";
    public const string Worker = "notifications-worker";
    public const string Redeliver = "redeliver";
    public const string Topology = "topology";

    /// <summary>A user of a console, with the permissions that a test gives it.</summary>
    public const string Console = "console";

    private static readonly SemaphoreSlim Creating = new(1, 1);
    private static readonly HashSet<RabbitMqBroker> Created = [];

    public static string PasswordOf(string user) => $"{user}'s password";

    /// <summary>How a program is told to connect as one of the users, to a broker whose topology is deployed.</summary>
    public static (string Name, string? Value)[] SettingsOf(string user) =>
        [("RabbitMq__Username", user), ("RabbitMq__Password", PasswordOf(user)), ("RabbitMq__Topology", "Deployed")];

    /// <summary>Makes the users, where the broker does not have them yet, and gives them their permissions in a virtual host.</summary>
    public static async Task CreateAsync(RabbitMqBroker broker, string virtualHost)
    {
        await Creating.WaitAsync();
        try
        {
            var isNew = Created.Add(broker);
            foreach (var permission in ReadPermissions())
            {
                if (isNew)
                {
                    await broker.Management.AddUserAsync(permission.User, PasswordOf(permission.User));
                }

                await broker.Management.SetPermissionsAsync(virtualHost, permission.User, permission.Configure, permission.Write, permission.Read);
            }
        }
        finally
        {
            Creating.Release();
        }
    }

    /// <summary>Gives a user permissions in a virtual host, in the place of those that it had there; makes the user where it is missing.</summary>
    public static async Task SetAsync(RabbitMqBroker broker, string virtualHost, Permission permission)
    {
        await broker.Management.AddUserAsync(permission.User, PasswordOf(permission.User));
        await broker.Management.SetPermissionsAsync(virtualHost, permission.User, permission.Configure, permission.Write, permission.Read);
    }

    /// <summary>What the deployment lets its users do.</summary>
    public static Permission[] ReadPermissions()
    {
        using var file = File.OpenRead(Path.Combine(Repository.Root, "deploy", "rabbitmq", "permissions.json"));
        return JsonSerializer.Deserialize<Definitions>(file, JsonSerializerOptions.Web)!.Permissions;
    }

    /// <summary>The permissions in definitions as RabbitMQ takes them.</summary>
    public static Permission[] ReadPermissions(string definitions) => JsonSerializer.Deserialize<Definitions>(definitions, JsonSerializerOptions.Web)!.Permissions;

    /// <summary>As <c>rabbitmqctl import_definitions</c> takes them.</summary>
    private sealed record Definitions(Permission[] Permissions);

    /// <summary>What one of them may do: patterns for names of queues and exchanges.</summary>
    internal sealed record Permission(string User, string Configure, string Write, string Read);
}
