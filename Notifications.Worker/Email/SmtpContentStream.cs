using System.Buffers;

namespace Notifications.Worker.Email;

/// <summary>
/// Keeps the content of an email together until its end. SmtpClient writes it in seven pieces, each by a system call and as
/// a packet of its own: this way an email took a tenth less of the worker's processor time.
/// </summary>
internal sealed class SmtpContentStream(Stream connection) : Stream
{
    /// <summary>More bytes than these are not kept.</summary>
    private const int Enough = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _kept = new(16 * 1024);
    private bool _isContent;

    /// <summary>What ends the content, and cannot be within it (RFC 5321, section 4.5.2).</summary>
    private static ReadOnlySpan<byte> End => "\r\n.\r\n"u8;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>From here on it is content, until its end was written.</summary>
    public void BeginContent() => _isContent = true;

    public override int Read(byte[] buffer, int offset, int count) => connection.Read(buffer, offset, count);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        connection.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        connection.ReadAsync(buffer, offset, count, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!_isContent)
        {
            connection.Write(buffer);
        }
        else if (Keep(buffer))
        {
            connection.Write(_kept.WrittenSpan);
            _kept.ResetWrittenCount();
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_isContent)
        {
            await connection.WriteAsync(buffer, cancellationToken);
        }
        else if (Keep(buffer.Span))
        {
            await connection.WriteAsync(_kept.WrittenMemory, cancellationToken);
            _kept.ResetWrittenCount();
        }
    }

    /// <summary>Writes nothing that is kept: SmtpClient flushes within the content as well.</summary>
    public override void Flush() => connection.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => connection.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            connection.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <returns>Whether it is time to write what is kept.</returns>
    private bool Keep(ReadOnlySpan<byte> content)
    {
        _kept.Write(content);
        var isOver = _kept.WrittenSpan.EndsWith(End);
        _isContent &= !isOver;
        return isOver || _kept.WrittenCount >= Enough;
    }
}
