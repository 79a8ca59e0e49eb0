using System.Formats.Asn1;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace Orders.Email.Check;

/// <summary>What a server's certificate says, in words.</summary>
internal static class CertificateFacts
{
    /// <summary>With fewer days left, the renewal that usually happens by itself is late.</summary>
    private const int FewDays = 21;

    /// <summary>Tells of a certificate that is trusted.</summary>
    public static void Tell(X509Certificate2 certificate, TimeProvider time, CheckReport report)
    {
        var days = DaysLeft(certificate, time);
        var facts = $"It is for {Names(certificate)}, by {Issuer(certificate)}, and expires in {days} {(days == 1 ? "day" : "days")}, on {Date(certificate)}.";
        report.Write(
            days < FewDays ? Verdict.Warning : Verdict.Ok,
            "certificate",
            days < FewDays ? $"{facts} No email goes out after that: see to it that the server gets a new one." : facts);
    }

    /// <summary>What to do about a certificate that is refused.</summary>
    public static string AdviceFor(X509Certificate2 certificate, string host, TimeProvider time)
    {
        var now = time.GetUtcNow();
        return certificate.NotAfter.ToUniversalTime() < now ? $"It expired on {Date(certificate)}: the server needs a new one."
            : certificate.NotBefore.ToUniversalTime() > now ? "It is not valid yet: check the clock of this machine."
            : !certificate.MatchesHostname(host) ? $"It is for {Names(certificate)}: set Email__Smtp__Host to such a name, or the server needs another one."
            : $"It is by {Issuer(certificate)}: set Email__Smtp__CertificateAuthorityFile to a PEM file with that authority, if you trust it.";
    }

    private static int DaysLeft(X509Certificate2 certificate, TimeProvider time) => (int)(certificate.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime).TotalDays;

    private static string Date(X509Certificate2 certificate) => certificate.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Issuer(X509Certificate2 certificate) => TextSanitizer.OneLine(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true));

    private static string Names(X509Certificate2 certificate)
    {
        try
        {
            var alternatives = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().ToArray();
            string[] names = [.. alternatives.SelectMany(each => each.EnumerateDnsNames()), .. alternatives.SelectMany(each => each.EnumerateIPAddresses()).Select(address => $"{address}")];
            return TextSanitizer.OneLine(names.Length == 0 ? "no name" : string.Join(", ", names));
        }
        catch (Exception exception) when (exception is AsnContentException or System.Security.Cryptography.CryptographicException)
        {
            return "names that cannot be read";
        }
    }
}
