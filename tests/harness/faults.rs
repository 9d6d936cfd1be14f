//! A proxy between the functions and what they call, the local cloud and the market, that makes
//! chosen calls go wrong in the ways in which networks and services do.

mod call;
mod call_fault;
mod proxy;
mod rules;

pub use call::Call;
pub use call_fault::CallFault;
pub use proxy::FaultProxy;
pub use rules::CallFaultRule;
