using System.Security.Authentication;
using Orders.ServiceDefaults.Configuration;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>Section <c>RabbitMq:Tls</c>: how the connections to the broker are protected. All files are PEM.</summary>
public sealed class RabbitMqTlsOptions
{
    private const string Section = $"{RabbitMqOptions.Section}__{nameof(RabbitMqOptions.Tls)}";

    /// <summary>Whether connections are encrypted. The broker's certificate is checked then; no setting takes one unchecked.</summary>
    public bool Enabled { get; set; }

    /// <summary>The authorities that may vouch for the broker, and no others; by default those that the system trusts.</summary>
    public string? CertificateAuthorityFile { get; set; }

    /// <summary>The name that the broker's certificate must bear; by default the host that is connected to.</summary>
    public string? ServerName { get; set; }

    /// <summary>The certificate to show to a broker that asks for one.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>The private key of <see cref="CertificateFile"/>, not encrypted.</summary>
    public string? KeyFile { get; set; }

    /// <summary>What the client needs to know, as the files say now.</summary>
    /// <param name="host">The host that will be connected to.</param>
    internal SslOption ReadSslOption(string host)
    {
        if (!Enabled)
        {
            return new SslOption();
        }

        var name = string.IsNullOrEmpty(ServerName) ? host : ServerName;
        var authorities = string.IsNullOrEmpty(CertificateAuthorityFile) ? null : Certificates.ReadAuthorities(CertificateAuthorityFile);
        return new SslOption(name, enabled: true)
        {
            Version = SslProtocols.Tls12 | SslProtocols.Tls13,
            Certs = string.IsNullOrEmpty(CertificateFile) ? [] : [Certificates.Read(CertificateFile, KeyFile!)],
            CertificateValidationCallback = (_, certificate, chain, errors) =>
                Certificates.FindFlaw(name, certificate, chain, errors, authorities) is { } flaw
                    // The client's own words would tell that it was refused, and not why.
                    ? throw new AuthenticationException($"The certificate of {host} is refused: {flaw}")
                    : true,
        };
    }

    /// <summary>What keeps TLS from working as configured, in one line each.</summary>
    internal IEnumerable<string> FindMistakes() => Enabled
        ? Certificates.FindMistakes(Section, CertificateAuthorityFile, CertificateFile, KeyFile)
        : FindUnused();

    /// <summary>Whoever sets any of these does not expect passwords to go out in clear.</summary>
    private IEnumerable<string> FindUnused() =>
        from setting in new (string Name, string? Value)[]
        {
            (nameof(CertificateAuthorityFile), CertificateAuthorityFile),
            (nameof(ServerName), ServerName),
            (nameof(CertificateFile), CertificateFile),
            (nameof(KeyFile), KeyFile),
        }
        where !string.IsNullOrEmpty(setting.Value)
        select $"{Section}__{setting.Name} needs {Section}__{nameof(Enabled)} to be true.";
}
