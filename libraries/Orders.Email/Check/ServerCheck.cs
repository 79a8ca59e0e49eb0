using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using Orders.Email.Smtp;

namespace Orders.Email.Check;

/// <summary>The steps of the check on the mail server: its addresses, connections, TLS, EHLO, login, and what it allows.</summary>
internal sealed class ServerCheck(IOptions<EmailOptions> options, SmtpConnector connector, TimeProvider time, CheckReport report)
{
    private const string Addresses = "addresses";
    private const string Connection = "connection";
    private const string Tls = "tls";
    private const string Ehlo = "ehlo";
    private const string Login = "login";

    // The emails themselves have a few kilobytes; a product's name is short.
    private const uint SmallestSize = 100_000;

    private readonly EmailOptions _email = options.Value;
    private readonly SmtpOptions _options = options.Value.Smtp;

    /// <summary>Goes through these steps, as far as the server lets us.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (await FindAddressesAsync(cancellationToken) is not { Length: > 0 } addresses)
        {
            return;
        }

        var calls = new List<Call>();
        try
        {
            foreach (var address in addresses)
            {
                calls.Add(await CallAsync(address, cancellationToken));
            }

            await ReportAsync(calls, cancellationToken);
        }
        finally
        {
            foreach (var call in calls)
            {
                call.Connection?.Dispose();
            }
        }
    }

    private async Task<IPAddress[]> FindAddressesAsync(CancellationToken cancellationToken)
    {
        var host = _options.Host!;
        try
        {
            using var limit = Limit(cancellationToken);
            var addresses = await connector.Resolve(host, limit.Token);
            report.Ok(Addresses, IPAddress.TryParse(host, out _) ? $"{host} is an address." : $"{host} is {string.Join(", ", addresses.AsEnumerable())}.");
            return addresses;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            report.Fail(Addresses, $"{host} has no known address: {Describe(exception)} Check Email__Smtp__Host and the DNS of this machine.");
            return [];
        }
    }

    private async Task<Call> CallAsync(IPAddress address, CancellationToken cancellationToken)
    {
        var greeting = new ServerGreeting();
        try
        {
            using var limit = Limit(cancellationToken);
            var (client, connection) = await connector.GreetAsync(address, greeting, limit.Token);
            return new Call(address, greeting, client, connection, null);
        }
        catch (Exception exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new Call(address, greeting, null, null, exception);
        }
    }

    private async Task ReportAsync(IReadOnlyList<Call> calls, CancellationToken cancellationToken)
    {
        var good = calls.FirstOrDefault(call => call.Client is not null);
        foreach (var call in calls)
        {
            ReportConnection(call);
            if (call.Failure is { } failure && call.Greeting.EhloName is not null)
            {
                ReportFailure(call, failure, good is null ? Verdict.Failed : Verdict.Warning);
            }
        }

        if (good is { Client: { } client, Connection: { } connection })
        {
            ReportTls(good, client);
            ReportEhlo(good.Greeting.EhloName!);
            ReportCapabilities(client);
            await LogInAsync(good, client, cancellationToken);
            ReportLimits(good.Greeting, connection);
        }

        void ReportConnection(Call call)
        {
            var endPoint = new IPEndPoint(call.Address, _options.Port);
            if (call.Greeting.EhloName is null)
            {
                report.Write(
                    good is null ? Verdict.Failed : Verdict.Warning,
                    Connection,
                    $"{endPoint} does not answer: {Describe(call.Failure!)} Check Email__Smtp__Host, Email__Smtp__Port and the firewalls between.");
            }
            else
            {
                report.Ok(Connection, call.Greeting.Text is { } text ? $"{endPoint} answers: {TextSanitizer.OneLine(text)}" : $"{endPoint} takes connections.");
            }
        }
    }

    /// <summary>Says why an address that takes connections is of no use.</summary>
    private void ReportFailure(Call call, Exception failure, Verdict verdict)
    {
        var seconds = $"{_options.ConnectTimeout.TotalSeconds:0.###} s";
        if (failure is NotSupportedException)
        {
            report.Write(
                verdict,
                Tls,
                "The server offers no STARTTLS, which Email__Smtp__Security demands. Set Email__Smtp__Port to one where it does, usually 587, "
                + "or Email__Smtp__Security=Tls for port 465.");
        }
        else if (call.Greeting.Certificate is { } shown)
        {
            using var certificate = X509CertificateLoader.LoadCertificate(shown.Span);
            report.Write(verdict, Tls, $"{Reason(failure)} {CertificateFacts.AdviceFor(certificate, _options.Host!, time)}");
        }
        else if (failure is SslHandshakeException && _options.Security == SmtpSecurity.Tls)
        {
            report.Write(
                verdict,
                Tls,
                $"The server does not speak TLS at once: {Reason(failure)} Set Email__Smtp__Security=StartTls, usually with Email__Smtp__Port=587, or the port 465.");
        }
        else if (failure is SslHandshakeException)
        {
            report.Write(verdict, Tls, $"TLS could not be agreed: {Reason(failure)} The server must speak TLS 1.2 or 1.3.");
        }
        else if (failure is OperationCanceledException && call.Greeting.Text is null && _options.Security == SmtpSecurity.Tls)
        {
            report.Write(verdict, Tls, $"TLS was not agreed within {seconds}. Check Email__Smtp__Port: 465 is the usual one for Email__Smtp__Security=Tls.");
        }
        else if (failure is OperationCanceledException && call.Greeting.Text is null)
        {
            report.Write(
                verdict,
                "greeting",
                $"The server says nothing within {seconds}. One that waits for TLS at once does so: set Email__Smtp__Security=Tls, usually with Email__Smtp__Port=465.");
        }
        else
        {
            report.Write(
                verdict,
                "greeting",
                $"{Reason(failure)} The server must let in the address of this machine and the name {Name(call.Greeting.EhloName!)} (Email__Smtp__EhloName).");
        }
    }

    private void ReportTls(Call call, HandshakeClient client)
    {
        if (call.Greeting.Certificate is { } shown)
        {
            using var certificate = X509CertificateLoader.LoadCertificate(shown.Span);
            report.Ok(Tls, $"{Describe(client.SslProtocol)}{(client.SslCipherSuite is { } suite ? $" with {suite}" : "")}.");
            CertificateFacts.Tell(certificate, time, report);
        }
        else if (client.Capabilities.HasFlag(SmtpCapabilities.StartTLS) && !IPAddress.IsLoopback(call.Address))
        {
            report.Warn(Tls, "Emails go out readably, although the server offers STARTTLS. Set Email__Smtp__Security=StartTls.");
        }
        else
        {
            report.Ok(Tls, "None, as Email__Smtp__Security=None says: everybody on the way to the server can read the emails.");
        }
    }

    private void ReportEhlo(string name)
    {
        var isFull = !IPAddress.TryParse(name, out _) && name.Contains('.', StringComparison.Ordinal);
        report.Write(
            isFull ? Verdict.Ok : Verdict.Warning,
            Ehlo,
            isFull
                ? $"We call ourselves {name}. That name should lead to the address from which we send."
                : $"We call ourselves {Name(name)}, which is no full name; some servers refuse that. Set Email__Smtp__EhloName to a full name like worker.shop.example.");
    }

    private void ReportCapabilities(HandshakeClient client)
    {
        var has = client.Capabilities;
        var offered = new List<string>();
        foreach (var (flag, name) in new[]
            {
                (SmtpCapabilities.Pipelining, "PIPELINING"),
                (SmtpCapabilities.UTF8, "SMTPUTF8"),
                (SmtpCapabilities.EightBitMime, "8BITMIME"),
                (SmtpCapabilities.StartTLS, "STARTTLS"),
            })
        {
            if (has.HasFlag(flag))
            {
                offered.Add(name);
            }
        }

        if (has.HasFlag(SmtpCapabilities.Size))
        {
            offered.Add(client.MaxSize > 0 ? $"SIZE {client.MaxSize}" : "SIZE");
        }

        if (client.AuthenticationMechanisms.Count > 0)
        {
            offered.Add($"AUTH {string.Join(' ', client.AuthenticationMechanisms.Order(StringComparer.Ordinal))}");
        }

        var text = offered.Count == 0 ? "The server offers nothing that matters here." : $"The server offers {TextSanitizer.OneLine(string.Join(", ", offered))}.";
        if (!has.HasFlag(SmtpCapabilities.Pipelining))
        {
            text += " Without PIPELINING each email takes two more round trips.";
        }

        if (!has.HasFlag(SmtpCapabilities.UTF8))
        {
            text += " Without SMTPUTF8 it takes no email to an address that is not ASCII, such as zoë@example.com.";
        }

        var isSmall = has.HasFlag(SmtpCapabilities.Size) && client.MaxSize is > 0 and < SmallestSize;
        report.Write(isSmall ? Verdict.Warning : Verdict.Ok, "capabilities", isSmall ? $"{text} It takes only emails of less than {client.MaxSize} bytes." : text);
    }

    private async Task LogInAsync(Call call, HandshakeClient client, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(_options.Username) && !_options.OAuth.IsSet)
        {
            report.Write(
                client.AuthenticationMechanisms.Count == 0 ? Verdict.Ok : Verdict.Warning,
                Login,
                client.AuthenticationMechanisms.Count == 0
                    ? "None, and the server asks for none."
                    : "None, although the server offers one and may refuse emails without. Set Email__Smtp__Username and Email__Smtp__PasswordFile.");
            return;
        }

        try
        {
            using var limit = Limit(cancellationToken);
            await connector.LogInAsync(client, limit.Token);
            report.Ok(Login, $"The server lets us in by {call.Greeting.Mechanism}.");
        }
        catch (Exception exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var advice = !client.IsSecure && client.Capabilities.HasFlag(SmtpCapabilities.StartTLS)
                ? "The server offers encryption, and may want it before a login: set Email__Smtp__Security=StartTls."
                : _options.OAuth.IsSet ? "Check Email__Smtp__OAuth__*."
                : call.Greeting.Mechanism is null ? "Set Email__Smtp__Authentication to one that it offers, or Auto."
                : "Check Email__Smtp__Username and Email__Smtp__Password or __PasswordFile.";
            report.Fail(Login, $"{(call.Greeting.Mechanism is { } mechanism ? $"By {mechanism}: " : "")}{Reason(exception)} {advice}");
        }
    }

    private void ReportLimits(ServerGreeting greeting, SmtpConnection connection)
    {
        var why = _options.EmailsPerConnection is not null ? "as Email__Smtp__EmailsPerConnection says"
            : greeting.NamesExim ? "since Exim leaves further ones to its next queue run; Email__Smtp__EmailsPerConnection changes it"
            : "by default; Email__Smtp__EmailsPerConnection changes it";
        var rate = _email.MaxPerSecond > 0 ? FormattableString.Invariant($"At most {_email.MaxPerSecond} emails a second (Email__MaxPerSecond).") : "Email__MaxPerSecond sets no limit.";
        report.Ok(
            "limits", $"At most {_options.PoolSize} connections at once (Email__Smtp__PoolSize), with {connection.MostEmails} emails each, {why}. {rate}");
    }

    private CancellationTokenSource Limit(CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.ConnectTimeout);
        return limit;
    }

    private string Reason(Exception exception) =>
        exception is OperationCanceledException ? Describe(exception) : Sentence(SmtpFailure.ReasonOf(SmtpFailure.OfConnection(exception)));

    private string Describe(Exception exception) => exception is OperationCanceledException
        ? $"no answer within {_options.ConnectTimeout.TotalSeconds:0.###} s."
        : Sentence(TextSanitizer.OneLine(exception.Message));

    private static string Sentence(string text) => text.EndsWith('.') ? text : $"{text}.";

    private static string Describe(SslProtocols protocol) => protocol switch
    {
        SslProtocols.Tls13 => "TLS 1.3",
        SslProtocols.Tls12 => "TLS 1.2",
        _ => protocol.ToString(),
    };

    private static string Name(string name) => IPAddress.TryParse(name, out var address)
        ? address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[IPv6:{address}]" : $"[{address}]"
        : name;

    /// <summary>What became of a connection to one address.</summary>
    private sealed record Call(IPAddress Address, ServerGreeting Greeting, HandshakeClient? Client, SmtpConnection? Connection, Exception? Failure);
}
