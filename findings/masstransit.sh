# Sourced by the findings about MassTransit in memory: a temporary folder with a project for the file program.cs.
# Needs bash and the .NET 10 SDK.
set -euo pipefail

version=8.5.12
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

cat >faults.csproj <<EOF
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <FrameworkReference Include="Microsoft.AspNetCore.App" />
    <PackageReference Include="MassTransit" Version="[$version]" />
  </ItemGroup>
</Project>
EOF

# Runs the program, prints what it says, and fails if that is something else than what was found.
expect() {
    local seen
    seen=$(timeout 85 dotnet run 2>&1)
    echo "MassTransit $version"
    echo "$seen"
    if [ "$seen" != "$1" ]; then
        echo "The behaviour has changed."
        exit 1
    fi
}
