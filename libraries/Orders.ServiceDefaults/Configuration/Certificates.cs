using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orders.ServiceDefaults.Configuration;

/// <summary>Certificates in PEM files, and whether a server's is to be trusted.</summary>
public static class Certificates
{
    /// <summary>Reads the certificates of authorities.</summary>
    /// <exception cref="CryptographicException">There is none in the file.</exception>
    public static X509Certificate2Collection ReadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities.Count > 0 ? authorities : throw new CryptographicException($"There is no certificate in {file}.");
    }

    /// <summary>Reads our own certificate with its key.</summary>
    /// <exception cref="CryptographicException">One of the files holds something else, or the key is another one's.</exception>
    public static X509Certificate2 Read(string file, string keyFile)
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

    /// <summary>What is wrong with the files of a section, by the names of their variables.</summary>
    /// <param name="section">The section, as its variables begin.</param>
    /// <param name="authorityFile">Its <c>CertificateAuthorityFile</c>.</param>
    /// <param name="certificateFile">Its <c>CertificateFile</c>.</param>
    /// <param name="keyFile">Its <c>KeyFile</c>.</param>
    public static IEnumerable<string> FindMistakes(string section, string? authorityFile, string? certificateFile, string? keyFile)
    {
        if (!string.IsNullOrEmpty(authorityFile) && FindMistake(() => ReadAuthorities(authorityFile)) is { } authorities)
        {
            yield return $"{section}__CertificateAuthorityFile cannot be read: {authorities}";
        }

        if (string.IsNullOrEmpty(certificateFile) != string.IsNullOrEmpty(keyFile))
        {
            yield return $"{section}__CertificateFile and {section}__KeyFile must be set together or not at all.";
        }
        else if (!string.IsNullOrEmpty(certificateFile) && FindMistake(() => Read(certificateFile, keyFile!).Dispose()) is { } certificate)
        {
            yield return $"{section}__CertificateFile and {section}__KeyFile cannot be read: {certificate}";
        }
    }

    /// <summary>Judges a server's certificate.</summary>
    /// <param name="name">The name that it must be for.</param>
    /// <param name="certificate">What the server showed.</param>
    /// <param name="chain">The chain that was built of it.</param>
    /// <param name="errors">What is wrong with it where the system's authorities count.</param>
    /// <param name="authorities">The authorities that count instead, where there are any.</param>
    /// <returns>Why it is not to be trusted, as the end of a sentence; <c>null</c> where it is.</returns>
    public static string? FindFlaw(
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

    /// <summary>Why a file that somebody has named cannot be read; <c>null</c> where it can.</summary>
    public static string? FindMistake(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException
            or ArgumentException or NotSupportedException or CryptographicException)
        {
            return exception.Message;
        }
    }

    private static string Describe(X509Chain chain) =>
        string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct());
}
