using Orders.Testing.Network;

namespace Orders.Testing.Brokers;

/// <summary>
/// A second port of a broker of the tests' own, for connections with TLS: the broker is <c>localhost</c>, and wants to
/// see a certificate of the same authority.
/// </summary>
/// <param name="authority">Vouches for both; keeps the files, and must outlive the broker.</param>
public sealed class BrokerTls(TestAuthority authority)
{
    private readonly IssuedCertificate _certificate = authority.Issue("broker");

    /// <summary>Where the broker takes such connections.</summary>
    public int Port { get; } = Ports.Free(1)[0];

    /// <summary>The folder of the files that <see cref="Configure"/> names.</summary>
    public string Folder => authority.Folder;

    /// <summary>The lines of <c>rabbitmq.conf</c>.</summary>
    /// <param name="listener">Address and port, as the broker sees them.</param>
    /// <param name="folder">The folder of the certificates, as the broker sees it.</param>
    public string Configure(string listener, string folder) =>
        $"""
        listeners.ssl.1 = {listener}
        ssl_options.cacertfile = {folder}/{Path.GetFileName(authority.CertificateFile)}
        ssl_options.certfile = {folder}/{Path.GetFileName(_certificate.File)}
        ssl_options.keyfile = {folder}/{Path.GetFileName(_certificate.KeyFile)}
        ssl_options.verify = verify_peer
        ssl_options.fail_if_no_peer_cert = true

        """;
}
