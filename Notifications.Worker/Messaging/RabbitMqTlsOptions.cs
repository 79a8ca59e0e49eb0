using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace Notifications.Worker.Messaging;

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
        var authorities = string.IsNullOrEmpty(CertificateAuthorityFile) ? null : ReadAuthorities(CertificateAuthorityFile);
        return new SslOption(name, enabled: true)
        {
            Version = SslProtocols.Tls12 | SslProtocols.Tls13,
            Certs = string.IsNullOrEmpty(CertificateFile) ? [] : [ReadCertificate(CertificateFile, KeyFile!)],
            CertificateValidationCallback = (_, certificate, chain, errors) =>
                FindFlaw(name, certificate, chain, errors, authorities) is { } flaw
                    // The client's own words would tell that it was refused, and not why.
                    ? throw new AuthenticationException($"The certificate of {host} is refused: {flaw}")
                    : true,
        };
    }

    /// <summary>What keeps TLS from working as configured, in one line each.</summary>
    internal IEnumerable<string> FindMistakes() => Enabled ? FindUnreadable() : FindUnused();

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

    private IEnumerable<string> FindUnreadable()
    {
        if (!string.IsNullOrEmpty(CertificateAuthorityFile) && FindMistake(() => ReadAuthorities(CertificateAuthorityFile)) is { } authorities)
        {
            yield return $"{Section}__{nameof(CertificateAuthorityFile)} cannot be read: {authorities}";
        }

        if (string.IsNullOrEmpty(CertificateFile) != string.IsNullOrEmpty(KeyFile))
        {
            yield return $"{Section}__{nameof(CertificateFile)} and {Section}__{nameof(KeyFile)} must be set together or not at all.";
        }
        else if (!string.IsNullOrEmpty(CertificateFile) && FindMistake(() => ReadCertificate(CertificateFile, KeyFile!)) is { } certificate)
        {
            yield return $"{Section}__{nameof(CertificateFile)} and {Section}__{nameof(KeyFile)} cannot be read: {certificate}";
        }
    }

    private static string? FindMistake(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return exception.Message;
        }
    }

    private static X509Certificate2Collection ReadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities.Count > 0 ? authorities : throw new CryptographicException($"There is no certificate in {file}.");
    }

    private static X509Certificate2 ReadCertificate(string file, string keyFile)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPemFile(file, keyFile);
            // Windows shows no certificate whose key it has not in a store: https://github.com/dotnet/runtime/issues/23749
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
        }
        catch (ArgumentException)
        {
            throw new CryptographicException("The key is not that of the certificate.");
        }
    }

    /// <returns>Why the broker is not to be trusted, as the end of a sentence; <c>null</c> where it is.</returns>
    private static string? FindFlaw(
        string name, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, X509Certificate2Collection? authorities)
    {
        if (certificate is not X509Certificate2 shown || chain is null)
        {
            return "there is none.";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return $"it is not for {name}.";
        }

        if (authorities is not null)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
            return chain.Build(shown) ? null : Describe(chain);
        }

        return errors == SslPolicyErrors.None ? null : Describe(chain);
    }

    private static string Describe(X509Chain chain) =>
        string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct());
}
