using System.Globalization;
using System.Text;
using MassTransit;
using MassTransit.Serialization;
using Orders.FaultQueues;
using Orders.Messaging.Failures;

namespace Orders.Testing.Faults;

/// <summary>Faults as the worker leaves them in its error queue.</summary>
internal static class SampleFaults
{
    private const string StackTrace = """
           at System.Net.Sockets.Socket.ConnectAsync(Object token)
           at Orders.Email.Smtp.SmtpEmailSender.SendAsync(EmailMessage email, CancellationToken cancellationToken) in /src/Email/SmtpEmailSender.cs:line 40
           at Notifications.Worker.OrderConfirmation.OrderConfirmationConsumer.Consume(ConsumeContext`1 context)
        """;

    /// <summary>A fault of an order.</summary>
    public static FaultMessage Create(
        string orderId,
        string email = "customer@example.com",
        string exceptionType = "Orders.Email.TransientEmailException",
        string error = "The email could not be handed to the mail server: Connection refused",
        string? stackTrace = StackTrace,
        FailureKind kind = FailureKind.Transient,
        DateTimeOffset? failedAt = null,
        int replays = 0)
    {
        var messageId = Guid.NewGuid();
        var headers = new Dictionary<string, object?>
        {
            [MessageHeaders.Reason] = "fault",
            [MessageHeaders.FaultExceptionType] = exceptionType,
            [MessageHeaders.FaultMessage] = error,
            [MessageHeaders.FaultTimestamp] = (failedAt ?? new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero)).ToString("O", CultureInfo.InvariantCulture),
            [FaultHeaders.RetryCount] = 1,
            [FaultHeaders.FailureKind] = kind.ToString(),
        };
        if (stackTrace is not null)
        {
            headers[MessageHeaders.FaultStackTrace] = stackTrace;
        }

        if (replays > 0)
        {
            headers[FaultHeaders.RedeliverCount] = replays;
        }

        var body = $$$"""{"messageId":"{{{messageId}}}","messageType":["urn:message:Contracts:OrderPlaced"],"message":{"orderId":"{{{orderId}}}","email":"{{{email}}}","product":"Laptop","placedAt":"2026-11-21T12:00:00Z"},"headers":{}}""";
        return new FaultMessage(Encoding.UTF8.GetBytes(body), SystemTextJsonMessageSerializer.JsonContentType.MediaType, headers, messageId.ToString());
    }
}
