namespace Notifications.Worker.Email;

/// <summary>An email could not be handed to the mail server. The message is one short line without the recipient's address.</summary>
public abstract class EmailException(string message, Exception? innerException) : Exception(message, innerException);

/// <summary>Trying again may help: no connection, a time-out, an SMTP reply 4xx, or our own configuration.</summary>
public sealed class TransientEmailException(string message, Exception? innerException = null)
    : EmailException(message, innerException);

/// <summary>Trying again cannot help: an SMTP reply 5xx on the recipient or the mail, or an address no server would take.</summary>
public sealed class PermanentEmailException(string message, Exception? innerException = null)
    : EmailException(message, innerException);
