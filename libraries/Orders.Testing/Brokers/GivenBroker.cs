using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Orders.Testing.Brokers;

/// <summary>
/// A broker that runs already, named by <c>ORDERS_TEST_RABBITMQ</c>. Its management API must answer on port 15672, for
/// the virtual hosts that the tests make and delete. It is not ours to kill: tests that need that are skipped.
/// </summary>
/// <param name="address">Such as <c>amqp://user:password@host:5672</c>; the user must have the tag <c>administrator</c>.</param>
public sealed class GivenBroker(Uri address) : RabbitMqBroker
{
    private readonly HashSet<string> _virtualHosts = [];
    private readonly HttpClient _management = new()
    {
        BaseAddress = new UriBuilder(Uri.UriSchemeHttp, address.Host, 15672).Uri,
        DefaultRequestHeaders =
        {
            Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(address.UserInfo)))),
        },
    };

    public override string Host => address.Host;

    public override int Port => address.IsDefaultPort ? 5672 : address.Port;

    public override string Username => Uri.UnescapeDataString(address.UserInfo.Split(':')[0]);

    public override string Password => Uri.UnescapeDataString(address.UserInfo.Split(':')[1]);

    public override Task KillAsync() => throw new IgnoreException("The broker of ORDERS_TEST_RABBITMQ is not ours to kill.");

    public override Task<string> RunCtlAsync(params IEnumerable<string> arguments) =>
        throw new IgnoreException("There is no rabbitmqctl for the broker of ORDERS_TEST_RABBITMQ.");

    public override async Task DeleteVirtualHostAsync(string name)
    {
        using var response = await _management.DeleteAsync($"api/vhosts/{WebUtility.UrlEncode(name)}");
        response.EnsureSuccessStatusCode();
        _virtualHosts.Remove(name);
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var name in _virtualHosts.ToArray())
        {
            await DeleteVirtualHostAsync(name);
        }

        _management.Dispose();
    }

    protected override Task StartServerAsync() => Task.CompletedTask;

    protected override async Task CreateVirtualHostAsync(string name)
    {
        using var content = new StringContent("{}", Encoding.UTF8, "application/json");
        using var response = await _management.PutAsync($"api/vhosts/{WebUtility.UrlEncode(name)}", content);
        response.EnsureSuccessStatusCode();
        _virtualHosts.Add(name);
    }
}
