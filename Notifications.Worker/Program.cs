using Notifications.Worker.Health;

if (HealthCheckCommand.IsMeantBy(args))
{
    return await HealthCheckCommand.RunAsync(defaultPort: 3001);
}

var builder = WebApplication.CreateBuilder(args);
var app = builder.Build();
app.MapGet("/health/ready", () => "ready");
await app.RunAsync();
return 0;
