using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orders.Testing.Network;

/// <summary>A certificate authority that nobody trusts but who is told to, with a folder for its PEM files.</summary>
public sealed class TestAuthority : IDisposable
{
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("orders-tests-certificates-");
    private readonly X509Certificate2 _certificate;

    public TestAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Test authority {Guid.NewGuid():N}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(100));
        CertificateFile = Write("authority.pem", _certificate.ExportCertificatePem());
        if (!OperatingSystem.IsWindows())
        {
            // A server in a container is somebody else, and must read what is mounted there.
            _folder.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        }
    }

    /// <summary>Where the files are.</summary>
    public string Folder => _folder.FullName;

    /// <summary>The authority's own certificate.</summary>
    public string CertificateFile { get; }

    /// <summary>Issues a certificate for servers and clients.</summary>
    /// <param name="name">The name of its files, without their endings; also the subject's.</param>
    /// <param name="host">The only host that it is for; this machine under each of its names where nothing is said.</param>
    /// <param name="expired">Whether it expired yesterday.</param>
    /// <param name="forClients">Whether it is for clients alone.</param>
    /// <param name="days">For how many days it is valid, unless it is expired.</param>
    public IssuedCertificate Issue(string name, string? host = null, bool expired = false, bool forClients = false, int days = 9)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            forClients ? [ClientAuthentication] : [ServerAuthentication, ClientAuthentication], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        if (host is null)
        {
            names.AddDnsName("localhost");
            names.AddIpAddress(IPAddress.Loopback);
        }
        else
        {
            names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());

        var from = DateTimeOffset.UtcNow.AddDays(-9);
        using var certificate = request.Create(
            _certificate, from, expired ? from.AddDays(8) : from.AddDays(9 + days), RandomNumberGenerator.GetBytes(16));
        using var withKey = certificate.CopyWithPrivateKey(key);
        return new IssuedCertificate(
            X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), password: null),
            Write($"{name}.pem", certificate.ExportCertificatePem()),
            Write($"{name}.key", key.ExportPkcs8PrivateKeyPem()));
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _folder.Delete(recursive: true);
    }

    private string Write(string name, string pem)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, pem);
        return path;
    }
}

/// <summary>A certificate of a <see cref="TestAuthority"/>.</summary>
/// <param name="Certificate">With its private key, for a server of the tests' own.</param>
/// <param name="File">The certificate as PEM.</param>
/// <param name="KeyFile">The private key as PEM.</param>
public sealed record IssuedCertificate(X509Certificate2 Certificate, string File, string KeyFile);
