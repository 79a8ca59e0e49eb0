using System.Net;
using DnsClient;
using DnsClient.Protocol;

namespace Orders.Email.Check;

/// <summary>Asks DNS for what a sender's domain publishes.</summary>
internal interface IDnsLookup
{
    /// <summary>Finds the TXT records of a name, the parts of each joined (RFC 7208, section 3.3); none where the name does not exist.</summary>
    /// <exception cref="DnsUnavailableException">Nobody says whether there are any.</exception>
    Task<IReadOnlyList<string>> FindTextsAsync(string name, CancellationToken cancellationToken);

    /// <summary>Finds the mail servers of a domain, the preferred first; <c>.</c> stands for a domain that takes no email (RFC 7505).</summary>
    /// <exception cref="DnsUnavailableException">Nobody says whether there are any.</exception>
    Task<IReadOnlyList<string>> FindMailServersAsync(string domain, CancellationToken cancellationToken);

    /// <summary>Whether a name has an address, which then takes the emails of a domain without MX (RFC 5321, section 5.1).</summary>
    /// <exception cref="DnsUnavailableException">Nobody says whether there is one.</exception>
    Task<bool> HasAddressAsync(string name, CancellationToken cancellationToken);
}

/// <summary>DNS did not answer, or could not.</summary>
internal sealed class DnsUnavailableException(string message) : Exception(message);

/// <summary>The DNS servers of this machine, or one that is given.</summary>
internal sealed class SystemDnsLookup : IDnsLookup
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    private readonly IPEndPoint? _server;
    private LookupClient? _client;

    public SystemDnsLookup()
    {
    }

    /// <param name="server">Is asked instead of the machine's own servers.</param>
    public SystemDnsLookup(IPEndPoint server) => _server = server;

    public async Task<IReadOnlyList<string>> FindTextsAsync(string name, CancellationToken cancellationToken) =>
        [.. (await AskAsync<TxtRecord>(name, QueryType.TXT, cancellationToken)).Select(record => string.Concat(record.Text))];

    public async Task<IReadOnlyList<string>> FindMailServersAsync(string domain, CancellationToken cancellationToken) =>
    [
        .. from record in await AskAsync<MxRecord>(domain, QueryType.MX, cancellationToken)
           orderby record.Preference
           select record.Exchange.Value is "." ? "." : record.Exchange.Value.TrimEnd('.'),
    ];

    public async Task<bool> HasAddressAsync(string name, CancellationToken cancellationToken) =>
        (await AskAsync<AddressRecord>(name, QueryType.A, cancellationToken)).Count > 0
        || (await AskAsync<AddressRecord>(name, QueryType.AAAA, cancellationToken)).Count > 0;

    private async Task<IReadOnlyList<T>> AskAsync<T>(string name, QueryType type, CancellationToken cancellationToken)
        where T : DnsResourceRecord
    {
        try
        {
            _client ??= new LookupClient(Options());
            var answer = await _client.QueryAsync(name, type, cancellationToken: cancellationToken);
            return answer.Header.ResponseCode is DnsHeaderResponseCode.NoError or DnsHeaderResponseCode.NotExistentDomain
                ? [.. answer.Answers.OfType<T>()]
                : throw new DnsUnavailableException($"DNS answers {answer.Header.ResponseCode} to a question about {name}.");
        }
        catch (Exception exception) when (exception is DnsResponseException or InvalidOperationException or ArgumentException or System.Net.Sockets.SocketException)
        {
            throw new DnsUnavailableException($"DNS does not answer a question about {name}: {exception.Message}");
        }
    }

    private LookupClientOptions Options()
    {
        var options = _server is null ? new LookupClientOptions() : new LookupClientOptions(_server);
        options.Timeout = Timeout;
        options.Retries = 1;
        options.UseCache = false;
        options.ThrowDnsErrors = false;
        return options;
    }
}
