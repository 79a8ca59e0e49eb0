using System.Text;
using Notifications.Worker.Email;

namespace Orders.Tests.Email;

/// <summary>An email's content on its way to the mail server.</summary>
public sealed class SmtpContentStreamTests
{
    private readonly List<string> _written = [];

    [SetUp]
    public void SetUp() => _written.Clear();

    [Test]
    public async Task Content_goes_out_at_once_and_commands_each_by_itself()
    {
        await using var connection = new Connection(_written);
        await using var stream = new SmtpContentStream(connection);

        await WriteAsync(stream, "MAIL FROM:<a@b>\r\n", "DATA\r\n");
        stream.BeginContent();
        await WriteAsync(stream, "Subject: a\r\n\r\n", "..\r\n", "text");
        stream.Write("\r\n.\r\n"u8);
        await WriteAsync(stream, "QUIT\r\n");

        Assert.That(_written, Is.EqualTo(new[]
        {
            "MAIL FROM:<a@b>\r\n", "DATA\r\n", "Subject: a\r\n\r\n..\r\ntext\r\n.\r\n", "QUIT\r\n",
        }));
    }

    [Test]
    public async Task Large_content_is_not_kept_to_its_end()
    {
        await using var connection = new Connection(_written);
        await using var stream = new SmtpContentStream(connection);
        var line = new string('a', 70 * 1024) + "\r\n";

        stream.BeginContent();
        await WriteAsync(stream, line, "b", ".", "\r\n.\r\n");

        Assert.That(_written, Is.EqualTo(new[] { line, "b.\r\n.\r\n" }));
    }

    private static async Task WriteAsync(SmtpContentStream stream, params string[] pieces)
    {
        foreach (var piece in pieces)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(piece));
        }
    }

    private sealed class Connection(List<string> written) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => written.Add(Encoding.ASCII.GetString(buffer));

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }
    }
}
