using System.Net.Http.Headers;
using System.Text;

namespace Orders.Testing.Brokers;

/// <summary>
/// The management API of a broker (https://www.rabbitmq.com/docs/http-api-reference). It does in milliseconds what
/// <c>rabbitmqctl</c> needs a second of a processor for.
/// </summary>
/// <param name="host">Where the broker is.</param>
/// <param name="port">The port of its management plug-in.</param>
/// <param name="username">A user with the tag <c>administrator</c>.</param>
/// <param name="password">The password of the user.</param>
public sealed class BrokerManagement(string host, int port, string username, string password)
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromMinutes(1) };

    private readonly Uri _address = new UriBuilder(Uri.UriSchemeHttp, host, port).Uri;
    private readonly AuthenticationHeaderValue _authorization =
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{username}:{password}")));

    /// <summary>Makes an empty virtual host.</summary>
    public Task AddVirtualHostAsync(string name) => SendAsync(HttpMethod.Put, $"vhosts/{Escape(name)}", new { });

    /// <summary>Deletes a virtual host with all that is in it.</summary>
    public Task DeleteVirtualHostAsync(string name) => SendAsync(HttpMethod.Delete, $"vhosts/{Escape(name)}");

    /// <summary>Makes a user without any permission.</summary>
    public Task AddUserAsync(string name, string userPassword) =>
        SendAsync(HttpMethod.Put, $"users/{Escape(name)}", new { password = userPassword, tags = "" });

    /// <summary>Deletes a user.</summary>
    public Task DeleteUserAsync(string name) => SendAsync(HttpMethod.Delete, $"users/{Escape(name)}");

    /// <summary>Gives a user permissions in a virtual host: patterns of the names that it may configure, write to and read from.</summary>
    public Task SetPermissionsAsync(string virtualHost, string user, string configure = ".*", string write = ".*", string read = ".*") =>
        SendAsync(HttpMethod.Put, $"permissions/{Escape(virtualHost)}/{Escape(user)}", new { configure, write, read });

    private static string Escape(string name) => Uri.EscapeDataString(name);

    private async Task SendAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(_address, $"api/{path}"))
        {
            Headers = { Authorization = _authorization },
            Content = body is null ? null : JsonContent.Create(body),
        };
        using var response = await Http.SendAsync(request);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"{method} {path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }
    }
}
