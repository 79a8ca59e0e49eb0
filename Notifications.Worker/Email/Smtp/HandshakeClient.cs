using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MailKit;
using MailKit.Net.Smtp;
using Notifications.Worker.Hosting;

namespace Notifications.Worker.Email.Smtp;

/// <summary>MailKit's client as far as it is used: it connects, encrypts, logs in and says QUIT, and lets its stream be used in between.</summary>
internal sealed class HandshakeClient : SmtpClient
{
    private readonly string _host;
    private readonly X509Certificate2Collection? _authorities;
    private readonly X509Certificate2? _certificate;

    /// <param name="options">The mail server; its files are read now.</param>
    /// <param name="greeting">Gets what the server says first.</param>
    public HandshakeClient(SmtpOptions options, ServerGreeting greeting)
        : base(greeting)
    {
        _host = options.Host!;
        _authorities = string.IsNullOrEmpty(options.CertificateAuthorityFile) ? null : Certificates.ReadAuthorities(options.CertificateAuthorityFile);
        _certificate = string.IsNullOrEmpty(options.CertificateFile) ? null : Certificates.Read(options.CertificateFile, options.KeyFile!);
        ServerCertificateValidationCallback = (_, certificate, chain, errors) =>
            Certificates.FindFlaw(_host, certificate, chain, errors, _authorities) is { } flaw
                // MailKit's own words fill a page.
                ? throw new AuthenticationException($"The certificate of {_host} is refused: {flaw}")
                : true;
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

/// <summary>Keeps what a mail server says first, which MailKit tells its log only.</summary>
internal sealed class ServerGreeting : IProtocolLogger
{
    private string? _text;

    /// <summary>Whether the server calls itself Exim.</summary>
    public bool NamesExim => _text?.Contains(" Exim ", StringComparison.OrdinalIgnoreCase) == true;

    public IAuthenticationSecretDetector? AuthenticationSecretDetector { get; set; }

    public void LogConnect(Uri uri)
    {
    }

    public void LogClient(byte[] buffer, int offset, int count)
    {
    }

    public void LogServer(byte[] buffer, int offset, int count) => _text ??= System.Text.Encoding.ASCII.GetString(buffer, offset, count);

    public void Dispose()
    {
    }
}
