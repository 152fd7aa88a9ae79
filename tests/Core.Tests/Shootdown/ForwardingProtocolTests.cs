using System.Reflection;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>What is not passed on would be what the seam does without an answer, and no test would say so.</summary>
public sealed class ForwardingProtocolTests
{
    [Theory]
    [InlineData(typeof(SpaceShootdown), typeof(ForwardingSpace))]
    [InlineData(typeof(CoreShootdown), typeof(ForwardingCore))]
    public void Half_EachHook_IsPassedOn(Type half, Type forwarding)
    {
        MethodInfo[] hooks = [.. half.GetMethods().Where(method => method.IsVirtual && method.DeclaringType == half)];
        Assert.NotEmpty(hooks);
        Assert.All(
            hooks,
            hook =>
                Assert.Equal(
                    forwarding,
                    forwarding.GetMethod(
                        hook.Name, [.. hook.GetParameters().Select(parameter => parameter.ParameterType)])!.DeclaringType));
    }

    [Fact]
    public void Protocol_EachMember_IsPassedOn()
    {
        InterfaceMapping map = typeof(ForwardingProtocol).GetInterfaceMap(typeof(IShootdownProtocol));
        Assert.NotEmpty(map.TargetMethods);
        Assert.All(map.TargetMethods, method => Assert.Equal(typeof(ForwardingProtocol), method.DeclaringType));
    }
}
