using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using MailKit.Security;
using Microsoft.Extensions.Options;
using Notifications.Worker.Hosting;

namespace Notifications.Worker.Email.Smtp;

/// <summary>Makes connections to the mail server: at each of its addresses, by TLS where that is required, and logged in.</summary>
internal sealed class SmtpConnector(IOptions<EmailOptions> options, TimeProvider time)
{
    private const int UsualEmails = 100;
    private const int EmailsForExim = 10;

    // The strongest first; DIGEST-MD5 (RFC 6331) and NTLM are not among them.
    private static readonly (SmtpAuthentication Setting, string Name)[] Mechanisms =
    [
        (SmtpAuthentication.ScramSha512, "SCRAM-SHA-512"),
        (SmtpAuthentication.ScramSha256, "SCRAM-SHA-256"),
        (SmtpAuthentication.ScramSha1, "SCRAM-SHA-1"),
        (SmtpAuthentication.CramMd5, "CRAM-MD5"),
        (SmtpAuthentication.Plain, "PLAIN"),
        (SmtpAuthentication.Login, "LOGIN"),
    ];

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
        HandshakeClient? client = null;
        try
        {
            (client, var connection) = await GreetAsync(limit.Token);
            await LogInAsync(client, limit.Token);
            return connection;
        }
        catch (Exception exception)
        {
            client?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw limit.IsCancellationRequested
                ? new MailServerUnavailableException($"The mail server did not answer a new connection within {_options.ConnectTimeout.TotalSeconds:0.###} s.", wasLetIn: false)
                : SmtpFailure.OfConnection(exception);
        }
    }

    /// <summary>Greets the first address that answers. Each has an equal share of the time that is left.</summary>
    private async Task<(HandshakeClient Client, SmtpConnection Connection)> GreetAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var addresses = await Resolve(_options.Host!, cancellationToken);
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
                return await GreetAsync(addresses[i], share.Token);
            }
            catch (Exception) when (!isLast && !cancellationToken.IsCancellationRequested)
            {
                // The next address may do.
            }
        }
    }

    private async Task<(HandshakeClient Client, SmtpConnection Connection)> GreetAsync(IPAddress address, CancellationToken cancellationToken)
    {
        // Without NoDelay, a second small write waits 40 ms for the acknowledgement of the first.
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var greeting = new ServerGreeting();
        HandshakeClient? client = null;
        try
        {
            client = new HandshakeClient(_options, greeting);
            await socket.ConnectAsync(address, _options.Port, cancellationToken);
            client.LocalDomain = EhloName(socket);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await client.ConnectAsync(stream, _options.Host!, _options.Port, Security(), cancellationToken);
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

    /// <summary>Logs in once, by one mechanism: some servers lock an account after a few wrong passwords.</summary>
    private async Task LogInAsync(HandshakeClient client, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(_options.Username))
        {
            return;
        }

        var mechanism = Array.Find(
            Mechanisms,
            each => client.AuthenticationMechanisms.Contains(each.Name) && (_options.Authentication == SmtpAuthentication.Auto || _options.Authentication == each.Setting)).Name
            ?? throw new MailServerRefusedUsException(
                $"The mail server offers no login that Email__Smtp__Authentication allows, but {(client.AuthenticationMechanisms.Count == 0 ? "none at all" : string.Join(", ", client.AuthenticationMechanisms))}.", wasLetIn: false);
        var password = string.IsNullOrEmpty(_options.PasswordFile) ? _options.Password! : SecretFiles.Read(_options.PasswordFile);
        await client.AuthenticateAsync(SaslMechanism.Create(mechanism, new NetworkCredential(_options.Username, password))!, cancellationToken);
    }
}
