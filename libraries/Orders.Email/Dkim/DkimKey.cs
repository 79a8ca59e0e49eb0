using MimeKit.Cryptography;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.OpenSsl;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;

namespace Orders.Email.Dkim;

/// <summary>A private key that signs emails, RSA or Ed25519.</summary>
internal sealed class DkimKey
{
    private DkimKey(AsymmetricKeyParameter key)
    {
        Private = key;
        (Algorithm, Type, Bits, PublicKey) = key switch
        {
            RsaPrivateCrtKeyParameters rsa => (
                DkimSignatureAlgorithm.RsaSha256,
                "rsa",
                rsa.Modulus.BitLength,
                SubjectPublicKeyInfoFactory.CreateSubjectPublicKeyInfo(new RsaKeyParameters(false, rsa.Modulus, rsa.PublicExponent)).GetDerEncoded()),
            // RFC 8463, section 3: the bare key. It is as good as 3072 bits of RSA.
            Ed25519PrivateKeyParameters ed => (DkimSignatureAlgorithm.Ed25519Sha256, "ed25519", 3072, ed.GeneratePublicKey().GetEncoded()),
            _ => throw new InvalidDataException("the key must be RSA or Ed25519."),
        };
        if (Bits < DkimOptions.FewestBits)
        {
            throw new InvalidDataException($"the key has {Bits} bits, and no server takes less than {DkimOptions.FewestBits}.");
        }
    }

    /// <summary>The key itself.</summary>
    public AsymmetricKeyParameter Private { get; }

    /// <summary>How it signs.</summary>
    public DkimSignatureAlgorithm Algorithm { get; }

    /// <summary>Its type as DNS calls it: <c>rsa</c> or <c>ed25519</c>.</summary>
    public string Type { get; }

    /// <summary>The bits of an RSA key that is as good.</summary>
    public int Bits { get; }

    /// <summary>The TXT record that DNS must have.</summary>
    public string Record => $"v=DKIM1; k={Type}; p={Convert.ToBase64String(PublicKey)}";

    private byte[] PublicKey { get; }

    /// <summary>Reads a PEM file.</summary>
    /// <exception cref="InvalidDataException">It holds something else than such a key.</exception>
    public static DkimKey Read(string file) => Parse(File.ReadAllText(file));

    /// <summary>Reads the text of a PEM file.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public static DkimKey Parse(string pem)
    {
        // In the label of PKCS #8, in a header of what OpenSSL wrote before (RFC 1421, section 4.6.1.1).
        if (pem.Contains("ENCRYPTED", StringComparison.Ordinal))
        {
            throw new InvalidDataException("the key is encrypted.");
        }

        try
        {
            using var reader = new PemReader(new StringReader(pem));
            return reader.ReadObject() switch
            {
                AsymmetricCipherKeyPair pair => new DkimKey(pair.Private),
                AsymmetricKeyParameter { IsPrivate: true } key => new DkimKey(key),
                _ => throw new InvalidDataException("there is no private key in it."),
            };
        }
        catch (Exception exception) when (exception is not (InvalidDataException or OutOfMemoryException))
        {
            throw new InvalidDataException("it holds no PEM that can be read.");
        }
    }

    /// <summary>Whether the public key of a TXT record, its tag <c>p</c>, is that of this one.</summary>
    public bool Fits(string publicKey)
    {
        try
        {
            var shown = Convert.FromBase64String(string.Concat(publicKey.Where(c => !char.IsWhiteSpace(c))));
            return shown.AsSpan().SequenceEqual(PublicKey)
                // Some publish RFC 8017's RSAPublicKey alone, which is the end of the other form.
                || (Algorithm == DkimSignatureAlgorithm.RsaSha256 && PublicKeyFactory.CreateKey(PublicKey) is RsaKeyParameters rsa
                    && shown.AsSpan().SequenceEqual(new RsaPublicKeyStructure(rsa.Modulus, rsa.Exponent).GetDerEncoded()));
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
