using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailKit;
using MailKit.Net.Smtp;
using Orders.ServiceDefaults.Configuration;

namespace Orders.Email.Smtp;

/// <summary>MailKit's client as far as it is used: it connects, encrypts and logs in, and lets its stream be used.</summary>
internal sealed class HandshakeClient : SmtpClient
{
    private readonly string _host;
    private readonly X509Certificate2Collection? _authorities;
    private readonly X509Certificate2? _certificate;

    /// <param name="options">The mail server; its files are read now.</param>
    /// <param name="greeting">Gets what the server says and shows.</param>
    public HandshakeClient(SmtpOptions options, ServerGreeting greeting)
        : base(greeting)
    {
        _host = options.Host!;
        _authorities = string.IsNullOrEmpty(options.CertificateAuthorityFile) ? null : Certificates.ReadAuthorities(options.CertificateAuthorityFile);
        _certificate = string.IsNullOrEmpty(options.CertificateFile) ? null : Certificates.Read(options.CertificateFile, options.KeyFile!);
        ServerCertificateValidationCallback = (_, certificate, chain, errors) =>
        {
            greeting.Certificate = certificate?.GetRawCertData();
            return Certificates.FindFlaw(_host, certificate, chain, errors, _authorities) is { } flaw
                // MailKit's own words fill a page.
                ? throw new AuthenticationException($"The certificate of {_host} is refused: {flaw}")
                : true;
        };
    }

    /// <summary>What is encrypted before it goes out, where TLS was agreed.</summary>
    public SslStream? EncryptedStream { get; private set; }

    protected override SslClientAuthenticationOptions GetSslClientAuthenticationOptions(string host, RemoteCertificateValidationCallback remoteCertificateValidationCallback)
    {
        var options = base.GetSslClientAuthenticationOptions(host, remoteCertificateValidationCallback);
        options.CertificateRevocationCheckMode = X509RevocationMode.NoCheck;
        // Called in each handshake, and the only public way to the stream that MailKit makes.
        options.LocalCertificateSelectionCallback = (stream, _, _, _, _) =>
        {
            EncryptedStream = (SslStream)stream;
            return _certificate!;
        };
        return options;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _certificate?.Dispose();
        }
    }
}

/// <summary>Keeps what a mail server says first, which MailKit tells its log only, and what else is known of a handshake that fails.</summary>
internal sealed class ServerGreeting : IProtocolLogger
{
    private const string LogIn = "AUTH ";

    /// <summary>What the server said first, with its code; <c>null</c> as long as it is silent.</summary>
    public string? Text { get; private set; }

    /// <summary>Whether the server calls itself Exim.</summary>
    public bool NamesExim => Text?.Contains(" Exim ", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>What we call ourselves to this server; <c>null</c> as long as there is no connection.</summary>
    public string? EhloName { get; set; }

    /// <summary>The certificate that the server showed, trusted or not, in DER: the handshake's own object ends with it.</summary>
    public ReadOnlyMemory<byte>? Certificate { get; set; }

    /// <summary>The mechanism of the login that was tried last (RFC 4954), such as <c>PLAIN</c>.</summary>
    public string? Mechanism { get; private set; }

    public IAuthenticationSecretDetector? AuthenticationSecretDetector { get; set; }

    public void LogConnect(Uri uri)
    {
    }

    public void LogClient(byte[] buffer, int offset, int count)
    {
        var command = buffer.AsSpan(offset, count);
        if (Ascii.EqualsIgnoreCase(command[..Math.Min(count, LogIn.Length)], LogIn))
        {
            // The rest may be the password.
            var rest = command[LogIn.Length..];
            Mechanism = Encoding.ASCII.GetString(rest[..Math.Max(rest.IndexOfAny(" \r\n"u8), 0)]);
        }
    }

    public void LogServer(byte[] buffer, int offset, int count) => Text ??= Encoding.ASCII.GetString(buffer, offset, count);

    public void Dispose()
    {
    }
}
