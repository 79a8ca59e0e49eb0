using System.Text;
using Microsoft.Extensions.Options;
using MimeKit;
using MimeKit.Cryptography;

namespace Orders.Email.Dkim;

/// <summary>Signs emails (DKIM, RFC 6376) where a key is configured.</summary>
internal sealed partial class DkimSignature(IOptions<EmailOptions> options, ILogger<DkimSignature> logger)
{
    private const string Field = "DKIM-Signature";

    // "From" twice: nobody can put another one in front (RFC 6376, section 8.15).
    private static readonly string[] Signed = ["From", "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted"];

    private readonly DkimOptions _options = options.Value.Dkim;
    private Signer? _signer;
    private bool _hasWarned;

    /// <summary>Whether emails are signed.</summary>
    public bool IsOn => _options.IsSet;

    /// <summary>Signs an email.</summary>
    /// <param name="email">The email, each line ended by CR and LF, no dot doubled.</param>
    /// <exception cref="TransientEmailException">There is no key that can be used.</exception>
    /// <returns>The header field to put in front of it, with the end of its last line.</returns>
    public byte[] Sign(ReadOnlyMemory<byte> email)
    {
        using var stream = new MemoryStream(email.ToArray(), writable: false);
        using var message = MimeMessage.Load(stream);
        TakeSigner().Sign(message);
        var field = message.Headers[message.Headers.IndexOf(Field)];
        // As MimeKit folded it: so it went into the signature.
        return Encoding.ASCII.GetBytes($"{Field}:{Encoding.ASCII.GetString(field.RawValue).ReplaceLineEndings("\r\n")}");
    }

    /// <summary>Takes the key as it is now. One that cannot be read, such as half of one, leaves the last in use.</summary>
    private Signer TakeSigner()
    {
        var last = _signer;
        try
        {
            var pem = File.ReadAllText(_options.PrivateKeyFile!);
            if (last is null || last.Pem != pem)
            {
                last = _signer = new Signer(pem, _options);
                _hasWarned = false;
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            if (last is null)
            {
                throw new TransientEmailException($"The email could not be signed: {TextSanitizer.OneLine(exception.Message)}");
            }

            if (!_hasWarned)
            {
                _hasWarned = true;
                Log.KeyIsKept(logger, exception.Message);
            }
        }

        return last;
    }

    /// <summary>MimeKit's signer with one key. Threads may share it.</summary>
    private sealed class Signer(string pem, DkimOptions options)
    {
        private readonly DkimKey _key = DkimKey.Parse(pem);

        public string Pem { get; } = pem;

        public void Sign(MimeMessage message) => new DkimSigner(_key.Private, options.Domain!, options.Selector!, _key.Algorithm)
        {
            HeaderCanonicalizationAlgorithm = DkimCanonicalizationAlgorithm.Relaxed,
            BodyCanonicalizationAlgorithm = DkimCanonicalizationAlgorithm.Relaxed,
        }.Sign(message, Signed);
    }

    private static partial class Log
    {
        [LoggerMessage(2127, LogLevel.Warning, "The key of Email__Dkim__PrivateKeyFile has changed and cannot be used; the last one signs on: {Reason}")]
        public static partial void KeyIsKept(ILogger logger, string reason);
    }
}

/// <summary>Says at start that the key is a weak one, where it is.</summary>
internal sealed partial class DkimKeyNotice(IOptions<EmailOptions> options, ILogger<DkimSignature> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Dkim is { IsSet: true, PrivateKeyFile: { } file } && DkimKey.Read(file) is { Bits: < DkimOptions.GoodBits } key)
        {
            Log.Weak(logger, key.Bits, DkimOptions.GoodBits);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(2126, LogLevel.Warning, "The key of Email__Dkim__PrivateKeyFile has {Bits} bits only; make one of {Good}")]
        public static partial void Weak(ILogger logger, int bits, int good);
    }
}
