using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using MailKit.Security;
using Microsoft.Extensions.Options;

namespace Orders.Email.Smtp;

/// <summary>Makes connections to the mail server: at each of its addresses, by TLS where that is required, and logged in.</summary>
internal sealed class SmtpConnector(IOptions<EmailOptions> options, SmtpLogin login, TimeProvider time)
{
    private const int UsualEmails = 100;
    private const int EmailsForExim = 10;

    private readonly SmtpOptions _options = options.Value.Smtp;

    /// <summary>Looks up the addresses of a host.</summary>
    public Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = Dns.GetHostAddressesAsync;

    /// <summary>Connects and logs in.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="MailServerException">There is nobody, the server refuses us, or it is not to be trusted.</exception>
    public async Task<SmtpConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.ConnectTimeout);
        try
        {
            // A server may hang up on a login that it refuses, so the second one has a connection of its own.
            return await TryConnectAsync(isLast: false, limit.Token) ?? (await TryConnectAsync(isLast: true, limit.Token))!;
        }
        catch (Exception exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw limit.IsCancellationRequested && exception is not MailServerException
                ? new MailServerUnavailableException($"The mail server did not answer a new connection within {_options.ConnectTimeout.TotalSeconds:0.###} s.", wasLetIn: false)
                : SmtpFailure.OfConnection(exception);
        }
    }

    /// <returns><c>null</c> where the login is refused, is not the last one, and another one may succeed.</returns>
    private async Task<SmtpConnection?> TryConnectAsync(bool isLast, CancellationToken cancellationToken)
    {
        var (client, connection) = await GreetAsync(cancellationToken);
        SaslMechanism? mechanism = null;
        try
        {
            mechanism = await login.ChooseAsync(client.AuthenticationMechanisms, cancellationToken);
            if (mechanism is not null)
            {
                await client.AuthenticateAsync(mechanism, cancellationToken);
            }

            return connection;
        }
        catch (Exception exception)
        {
            client.Dispose();
            if (!isLast && mechanism is not null && SmtpFailure.IsRefusalOfLogin(exception) && login.TryRenew(mechanism))
            {
                return null;
            }

            throw;
        }
    }

    /// <summary>Greets the first address that answers. Each has an equal share of the time that is left.</summary>
    private async Task<(HandshakeClient Client, SmtpConnection Connection)> GreetAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var addresses = await Resolve(_options.Host!, cancellationToken);
        if (addresses.Length == 0)
        {
            throw new MailServerUnavailableException("The mail server's name has no address.", wasLetIn: false);
        }

        Exception? refusal = null;
        for (var i = 0; ; i++)
        {
            var isLast = i >= addresses.Length - 1;
            using var share = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (!isLast)
            {
                var left = _options.ConnectTimeout - time.GetElapsedTime(begun);
                share.CancelAfter(left > TimeSpan.Zero ? left / (addresses.Length - i) : TimeSpan.Zero);
            }

            try
            {
                return await GreetAsync(addresses[i], new ServerGreeting(), share.Token);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                // Who answers at all knows best what is the matter.
                refusal ??= exception is SocketException or OperationCanceledException ? null : exception;
                if (isLast)
                {
                    throw refusal ?? exception;
                }
            }
        }
    }

    /// <summary>Greets one address: connects, encrypts where that is demanded, and says EHLO.</summary>
    /// <param name="address">The server's address.</param>
    /// <param name="greeting">Gets what the server says and shows, also where that ends in a failure.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    internal async Task<(HandshakeClient Client, SmtpConnection Connection)> GreetAsync(IPAddress address, ServerGreeting greeting, CancellationToken cancellationToken)
    {
        // Without NoDelay, a second small write waits 40 ms for the acknowledgement of the first.
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        HandshakeClient? client = null;
        try
        {
            client = new HandshakeClient(_options, greeting);
            await socket.ConnectAsync(address, _options.Port, cancellationToken);
            client.LocalDomain = greeting.EhloName = EhloName(socket);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await client.ConnectAsync(stream, _options.Host!, _options.Port, Security(), cancellationToken);
            if (_options.Security != SmtpSecurity.None && client.EncryptedStream is not { IsEncrypted: true })
            {
                throw new MailServerRefusedUsException("The connection to the mail server is not encrypted, as Email__Smtp__Security demands.", wasLetIn: false);
            }

            var mostEmails = _options.EmailsPerConnection ?? (greeting.NamesExim ? EmailsForExim : UsualEmails);
            return (client, new SmtpConnection(client, socket, client.EncryptedStream ?? (Stream)stream, mostEmails, time));
        }
        catch
        {
            client?.Dispose();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Logs in once, where there is something to log in with.</summary>
    /// <exception cref="MailServerException">The server offers no login of ours, or there is no token.</exception>
    internal async Task LogInAsync(HandshakeClient client, CancellationToken cancellationToken)
    {
        if (await login.ChooseAsync(client.AuthenticationMechanisms, cancellationToken) is { } mechanism)
        {
            await client.AuthenticateAsync(mechanism, cancellationToken);
        }
    }

    private SecureSocketOptions Security() => _options.Security switch
    {
        SmtpSecurity.None => SecureSocketOptions.None,
        SmtpSecurity.StartTls => SecureSocketOptions.StartTls,
        _ => SecureSocketOptions.SslOnConnect,
    };

    private string EhloName(Socket socket)
    {
        if (!string.IsNullOrEmpty(_options.EhloName))
        {
            return _options.EhloName;
        }

        var machine = IPGlobalProperties.GetIPGlobalProperties();
        var name = machine.HostName.Contains('.', StringComparison.Ordinal) || machine.DomainName.Length == 0 ? machine.HostName : $"{machine.HostName}.{machine.DomainName}";
        // MailKit makes a literal of an address.
        return name.Contains('.', StringComparison.Ordinal) && Uri.CheckHostName(name) == UriHostNameType.Dns ? name : $"{((IPEndPoint)socket.LocalEndPoint!).Address}";
    }
}
